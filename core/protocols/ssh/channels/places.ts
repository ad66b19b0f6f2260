/** Host and port of a forwarding, against the patterns of a rule. */
import { fits } from '#core/access/patterns.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** As a rule writes it: an IPv6 address stands in brackets. */
export function placeText({ host, port }: Place): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * True when one of the patterns names the place. The text is compared that the client sent, and never what it resolves to: a name
 * that is not written in the rule is refused, whatever it points at (security case 8).
 */
export function isAllowed(patterns: readonly string[], place: Place): boolean {
  return patterns.some((pattern) => fitsPlace(pattern, place));
}

function fitsPlace(pattern: string, { host, port }: Place): boolean {
  const [, wantedHost = '', wantedPort = ''] = /^(.*):([^:]*)$/.exec(pattern) ?? [];
  if (wantedPort !== '*' && Number(wantedPort) !== port) return false;
  return fitsHost(wantedHost.replace(/^\[(.*)\]$/, '$1').toLowerCase(), host.toLowerCase());
}

/** A pattern of digits means addresses: `10.*` is not `10.example.com`. One of `*` alone is all there is. */
function fitsHost(pattern: string, host: string): boolean {
  if (pattern === '*') return true;
  if (/^[\d.*]+$/.test(pattern) && !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(host)) return false;
  return fits(pattern, host);
}
