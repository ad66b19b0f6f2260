import {
  type BodyEnd,
  type Cut,
  type Forwarded,
  Record as Kind,
  RecordReader,
  type RequestHead,
  type ResponseHead,
  type TapeRecord,
  type Withheld,
} from '#core/protocols/kubernetes/tape.ts';
import type { RecordedFrame } from '#core/recording/read.ts';

/** One direction of a call, as the tape has it. */
export interface RecordedSide<Head> {
  head?: Head;
  body: Buffer;
  end?: BodyEnd;
  /** After an upgrade. */
  stream: Buffer;
  streamEnd: boolean;
  withheld: Withheld[];
}

/** A call as the tape has it: put together here by itself, so that a reader's mistake does not hide a recorder's. */
export interface RecordedCall {
  readonly call: number;
  readonly request: RecordedSide<RequestHead>;
  readonly response: RecordedSide<ResponseHead>;
  /** What the gateway itself answered. */
  readonly own: RecordedSide<ResponseHead>;
  forwarded?: Forwarded;
  cut?: Cut;
}

export function recordedCalls(frames: readonly RecordedFrame[]): readonly RecordedCall[] {
  const calls = new Map<number, RecordedCall>();
  for (const stream of ['client', 'target', 'gateway'] as const) {
    const reader = new RecordReader();
    for (const frame of frames) {
      if (frame.stream !== stream) continue;
      for (const record of reader.push(frame.payload)) add(callOf(calls, record.call), stream, record);
    }
    if (reader.pending > 0) throw new Error(`${stream} ends within a record`);
  }
  return [...calls.values()].sort((one, other) => one.call - other.call);
}

function callOf(calls: Map<number, RecordedCall>, call: number): RecordedCall {
  const found = calls.get(call) ?? { call, request: side(), response: side(), own: side() };
  calls.set(call, found);
  return found;
}

function side<Head>(): RecordedSide<Head> {
  return { body: Buffer.alloc(0), stream: Buffer.alloc(0), streamEnd: false, withheld: [] };
}

function add(
  call: RecordedCall,
  stream: 'client' | 'target' | 'gateway',
  { type, payload }: TapeRecord,
): void {
  const to: RecordedSide<RequestHead | ResponseHead> = {
    client: call.request,
    target: call.response,
    gateway: call.own,
  }[stream];
  const json = () => JSON.parse(Buffer.from(payload).toString()) as never;
  switch (type) {
    case Kind.head:
      to.head = json();
      break;
    case Kind.body:
      to.body = Buffer.concat([to.body, payload]);
      break;
    case Kind.end:
      to.end = json();
      break;
    case Kind.stream:
      to.stream = Buffer.concat([to.stream, payload]);
      break;
    case Kind.streamEnd:
      to.streamEnd = true;
      break;
    case Kind.forwarded:
      call.forwarded = json();
      break;
    case Kind.cut:
      call.cut = json();
      break;
    case Kind.withheld:
      to.withheld.push(json());
      break;
  }
}
