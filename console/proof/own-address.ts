import { EVIDENCE } from '../build/addresses.ts';

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Where the page fetches evidence that the API gives a link for: always at its own origin, the one that its policy allows. A link to
 * a store elsewhere keeps its path and query, under `/evidence`; one to this machine is the same address by another of its names.
 */
export function ownAddress(link: string, own: string): string {
  const { origin, port, hostname, pathname, search } = new URL(link);
  const here = new URL(own);
  const isHere = origin === here.origin || (port === here.port && areLoopback(hostname, here.hostname));
  return `${here.origin}${isHere ? '' : EVIDENCE}${pathname}${search}`;
}

function areLoopback(...names: readonly string[]): boolean {
  return names.every((name) => LOOPBACK.test(name));
}
