/** Tapes of Kubernetes sessions, written as FORMAT.md has it. */
import { createHash } from 'node:crypto';
import {
  RECORD_HEADER_BYTES,
  RECORD_MAX_PAYLOAD,
  Record,
  type RecordType,
  writeRecordHeader,
} from '#core/protocols/kubernetes/tape.ts';
import { kubernetesFormat } from '#core/replay/kubernetes/format.ts';
import {
  KUBERNETES_LIMITS,
  type KubernetesReplayLimits,
  type KubernetesStep,
} from '#core/replay/kubernetes/step.ts';
import { kubernetesSteps } from '#core/replay/kubernetes/steps.ts';
import { carriedPostgres } from '#core/replay/postgres/carried.ts';
import type { ReplayFrame } from '#core/replay/step.ts';

type Stream = 'client' | 'target' | 'gateway';
type Headers = readonly (readonly [string, string])[];
export const JSON_TYPE: Headers = [['content-type', 'application/json']];

export interface Asked {
  readonly method?: string;
  readonly target: string;
  readonly headers?: Headers;
  readonly body?: string | Uint8Array;
}

/** Frames a millisecond apart, a record each. */
export class Tape {
  readonly frames: ReplayFrame[] = [];
  #ms = 0;
  #calls = 0;

  record(stream: Stream, type: RecordType, call: number, payload: Uint8Array | object): this {
    const bytes = payload instanceof Uint8Array ? payload : Buffer.from(JSON.stringify(payload));
    const record = new Uint8Array(RECORD_HEADER_BYTES + bytes.length);
    writeRecordHeader(record, type, call, bytes.length);
    record.set(bytes, RECORD_HEADER_BYTES);
    return this.frame(stream, record);
  }

  frame(stream: ReplayFrame['stream'], payload: Uint8Array): this {
    this.frames.push({ stream, withheld: false, timeUs: this.#ms * 1000, payload });
    this.#ms += 1;
    return this;
  }

  note(note: object): this {
    return this.frame('note', Buffer.from(JSON.stringify(note)));
  }

  wait(ms: number): this {
    this.#ms += ms;
    return this;
  }

  /** A request with its body. Gives its number. */
  ask({ method = 'GET', target, headers = [], body = '' }: Asked): number {
    this.#calls += 1;
    const call = this.#calls;
    this.record('client', Record.head, call, { method, target, http: '2', connection: 1, headers });
    this.body('client', call, body);
    return call;
  }

  forward(call: number, user = 'custody:ada@example.com', groups: readonly string[] = []): this {
    return this.record('gateway', Record.forwarded, call, { user, groups, extra: {} });
  }

  head(call: number, status: number, headers: Headers = JSON_TYPE, stream: Stream = 'target'): this {
    return this.record(stream, Record.head, call, { status, headers });
  }

  body(stream: Stream, call: number, body: string | Uint8Array): this {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    for (let at = 0; at < bytes.length; at += RECORD_MAX_PAYLOAD)
      this.record(stream, Record.body, call, bytes.subarray(at, at + RECORD_MAX_PAYLOAD));
    return this.record(stream, Record.end, call, { bytes: bytes.length });
  }

  /** All of a call that the cluster answers. Gives its number. */
  call(
    asked: Asked,
    status: number,
    answer: object | string | Uint8Array = '',
    headers: Headers = JSON_TYPE,
  ): number {
    const call = this.ask(asked);
    const isBytes = typeof answer === 'string' || answer instanceof Uint8Array;
    this.forward(call).head(call, status, headers);
    this.body('target', call, isBytes ? answer : JSON.stringify(answer));
    return call;
  }
}

/** WebSocket's upgrade of a call: what a client asks, and what it is granted. */
export const UPGRADE: Headers = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
];
export const GRANTED: Headers = [
  ['Upgrade', 'websocket'],
  ['Connection', 'Upgrade'],
  ['Sec-WebSocket-Protocol', 'v5.channel.k8s.io'],
];

/** One binary message of WebSocket (RFC 6455 section 5.2), of a channel. */
export function message(channel: number, data: string | Uint8Array, masked = false): Uint8Array {
  const payload = Buffer.concat([Buffer.from([channel]), Buffer.from(data)]);
  const long = payload.length > 125;
  const header = long
    ? [0x82, 126 | (masked ? 0x80 : 0), payload.length >>> 8, payload.length & 0xff]
    : [0x82, payload.length | (masked ? 0x80 : 0)];
  if (!masked) return Buffer.concat([Buffer.from(header), payload]);
  const mask = [1, 2, 3, 4];
  return Buffer.concat([
    Buffer.from(header),
    Buffer.from(mask),
    payload.map((byte, at) => byte ^ mask[at % 4]!),
  ]);
}

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export async function* asyncOf<T>(all: Iterable<T>): AsyncGenerator<T> {
  yield* all;
}

export async function stepsOf(
  tape: Tape | readonly ReplayFrame[],
  limits: Partial<KubernetesReplayLimits> = {},
): Promise<KubernetesStep[]> {
  const frames = tape instanceof Tape ? tape.frames : tape;
  const steps: KubernetesStep[] = [];
  const all = { ...KUBERNETES_LIMITS, ...limits };
  for await (const step of kubernetesSteps(asyncOf(frames), all, undefined, [carriedPostgres]))
    steps.push(step);
  return steps;
}

export const textOf = (step: KubernetesStep): string => kubernetesFormat([carriedPostgres])(step, 120);

export function pod(name: string, more: object = {}, metadata: object = {}): object {
  return {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, namespace: 'dev', uid: `uid-${name}`, ...metadata },
    ...more,
  };
}

export const PODS = '/api/v1/namespaces/dev/pods';
export const DEPLOYMENTS = '/apis/apps/v1/namespaces/dev/deployments';

export function deployment(replicas: number, image = 'web:1'): object {
  return {
    kind: 'Deployment',
    apiVersion: 'apps/v1',
    metadata: { name: 'web', namespace: 'dev', uid: 'u1', resourceVersion: String(replicas) },
    spec: { replicas, template: { spec: { containers: [{ name: 'main', image }] } } },
  };
}
