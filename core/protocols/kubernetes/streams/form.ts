/** What a call's connection speaks after its upgrade. */
import type { Call } from '../call.ts';
import type { Headers } from '../tape.ts';

/** A command's streams (exec, attach), forwarded ports, or what the API server itself only passes on (proxy). */
export type Purpose = 'command' | 'forward' | 'opaque';

export interface StreamForm {
  readonly kind: 'websocket' | 'spdy';
  /** As the answer named it: `v5.channel.k8s.io`, `SPDY/3.1+portforward.k8s.io`; `''` where it named none. */
  readonly protocol: string;
  readonly purpose: Purpose;
  /** Of a WebSocket that forwards ports without a tunnel, in the order of its channels. */
  readonly ports: readonly number[];
}

/** SPDY inside binary messages of a WebSocket (KEP-4006). */
export const TUNNEL = 'SPDY/3.1+portforward.k8s.io';

/** Of a call that was upgraded. `answer`: the headers of the 101. */
export function streamFormOf(call: Call, answer: Headers): StreamForm {
  const kind = /^websocket$/i.test(headerOf(answer, 'upgrade') ?? '') ? 'websocket' : 'spdy';
  const named = kind === 'websocket' ? 'sec-websocket-protocol' : 'x-stream-protocol-version';
  return {
    kind,
    protocol: headerOf(answer, named) ?? '',
    purpose: purposeOf(call),
    ports: portsOf(call),
  };
}

export function purposeOf(call: Call): Purpose {
  if (call.kind !== 'resource' || call.resource !== 'pods') return 'opaque';
  if (call.subresource === 'exec' || call.subresource === 'attach') return 'command';
  return call.subresource === 'portforward' ? 'forward' : 'opaque';
}

/** `ports=80,81&ports=82`, as the kubelet reads it. */
function portsOf({ query }: Call): readonly number[] {
  const ports = query.getAll('ports').flatMap((value) => value.split(','));
  return ports.map(Number).filter((port) => Number.isInteger(port) && port > 0 && port < 65_536);
}

/** The first value of that name. `name` in lower case. */
export function headerOf(headers: Headers, name: string): string | undefined {
  return headers.find(([found]) => found.toLowerCase() === name)?.[1];
}
