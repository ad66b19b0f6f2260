import { isIP } from 'node:net';
import type { Target } from '../api-shapes.ts';
import { bad, type Finding } from '../findings/finding.ts';
import type { Lookup } from '../preflight/names.ts';
import type { Listener } from './listener.ts';
import { lookAt } from './looks.ts';
import { UNREACHED } from './shown.ts';

export interface ListenerPorts {
  readonly resolve: Lookup;
  readonly now: Date;
}

/** What the API says of where its targets are, each place once. */
export function listenersOf(targets: readonly Target[]): Listener[] {
  const all = targets.map(({ protocol, host, port, caPem }) => ({
    ...{ protocol, host, port },
    caPem: caPem ?? undefined,
  }));
  return [...new Map(all.map((one) => [`${one.host}:${one.port}`, one])).values()];
}

/** From a client's place: the name, the way, what listens, and whether a client that verifies it would take it. */
export async function listenerFindings(
  listener: Listener,
  { resolve, now }: ListenerPorts,
): Promise<readonly Finding[]> {
  const { host, port, protocol } = listener;
  const about = `${protocol} at ${host}:${port}`;
  if (isIP(host) === 0 && (await resolve(host)).length === 0) {
    const todo = "make a CNAME of it to the stack's output GatewayName; a private zone answers only inside";
    return [bad(about, `${host} is not in DNS, as far as this machine can see`, { ...UNREACHED, todo })];
  }
  return lookAt(about, listener, now);
}
