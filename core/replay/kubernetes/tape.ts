/** From the frames of a recording to what they say (FORMAT.md). */
import { z } from 'zod';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import {
  type Cut,
  type Forwarded,
  RECORD_MAX_PAYLOAD,
  Record,
  RecordReader,
  type RequestHead,
  type ResponseHead,
  type TapeRecord,
  type Withheld,
} from '#core/protocols/kubernetes/tape.ts';
import type { ReplayFrame } from '../step.ts';

const NOTE_MAX = 64 << 10;
const SPEAKERS = ['client', 'target', 'gateway'] as const;
export type Speaker = (typeof SPEAKERS)[number];
export type Note = Readonly<{ [name: string]: unknown; note: string }>;

export type TapeEvent =
  | { readonly kind: 'request'; readonly call: number; readonly head: RequestHead }
  | {
      readonly kind: 'answer';
      readonly call: number;
      readonly by: 'target' | 'gateway';
      readonly head: ResponseHead;
    }
  /** Bytes stay as they are. */
  | {
      readonly kind: 'body' | 'stream';
      readonly call: number;
      readonly by: Speaker;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'end' | 'stream-end'; readonly call: number; readonly by: Speaker }
  | {
      readonly kind: 'withheld';
      readonly call: number;
      readonly by: Speaker;
      readonly withheld: WithheldPart;
    }
  | { readonly kind: 'forwarded'; readonly call: number; readonly forwarded: Forwarded }
  | { readonly kind: 'cut'; readonly call: number; readonly cut: Cut }
  | { readonly kind: 'note'; readonly call: number | undefined; readonly note: Note }
  | { readonly kind: 'damaged'; readonly call?: number; readonly text: string };

/** `more`: its text goes on in the call's next. */
export type WithheldPart = Withheld & { readonly more?: boolean | undefined };

const count = z.int().min(0);
const headers = z.array(z.tuple([z.string(), z.string()]).readonly());
const requestHead = z.object({
  method: z.string(),
  target: z.string(),
  http: z.enum(['1.1', '2']),
  connection: count,
  headers,
  withheld: z.array(z.string()).optional(),
});
const responseHead = z.object({ status: count, headers });
const forwarded = z.object({
  user: z.string(),
  groups: z.array(z.string()),
  extra: z.record(z.string(), z.array(z.string())),
});
const cut = z.object({
  by: z.enum(['client', 'target', 'gateway']),
  code: z.string().optional(),
  message: z.string().optional(),
});
const withheld = z.object({
  why: z.enum(['secret', 'digest']),
  bytes: count,
  sha256: z.string().optional(),
  shown: z.string().optional(),
  more: z.boolean().optional(),
});

/** Holds one record of each stream at most. */
export class KubernetesTape {
  readonly #readers = { client: new RecordReader(), target: new RecordReader(), gateway: new RecordReader() };
  readonly #lost = new Set<Speaker>();

  /** What is no record any more is said once; nothing more of that stream can be read. */
  *take({ stream, payload }: ReplayFrame): Generator<TapeEvent> {
    if (stream === 'note') return yield* noteOf(payload);
    if (this.#lost.has(stream)) return;
    const records = this.#readers[stream].push(payload);
    for (;;) {
      const next = this.#next(stream, records);
      if (next === undefined) return;
      yield typeof next === 'string' ? { kind: 'damaged', text: next } : eventOf(stream, next);
    }
  }

  /** Streams that end within a record. */
  get cutOff(): readonly Speaker[] {
    return SPEAKERS.filter((speaker) => !this.#lost.has(speaker) && this.#readers[speaker].pending > 0);
  }

  #next(stream: Speaker, records: Generator<TapeRecord>): TapeRecord | string | undefined {
    try {
      const { done, value } = records.next();
      return done ? undefined : value;
    } catch (thrown) {
      this.#lost.add(stream);
      return `in the stream ${stream}, ${asCustodyError(thrown).message}; the rest of it cannot be shown`;
    }
  }
}

function eventOf(by: Speaker, record: TapeRecord): TapeEvent {
  const { call } = record;
  try {
    return readRecord(by, record);
  } catch (thrown) {
    const { message } = asCustodyError(thrown);
    return { kind: 'damaged', call, text: `a record of the stream ${by} ${message}` };
  }
}

/** Throws `format-invalid` for a payload that is not what its type has, or that its stream has not. */
function readRecord(by: Speaker, { type, call, payload }: TapeRecord): TapeEvent {
  switch (type) {
    case Record.head:
      if (by === 'client')
        return { kind: 'request', call, head: jsonOf(payload, requestHead) as RequestHead };
      return { kind: 'answer', call, by, head: jsonOf(payload, responseHead) };
    case Record.body:
      return { kind: 'body', call, by, bytes: payload };
    case Record.end:
      return { kind: 'end', call, by };
    case Record.stream:
      return { kind: 'stream', call, by, bytes: payload };
    case Record.streamEnd:
      return { kind: 'stream-end', call, by };
    case Record.forwarded:
      return { kind: 'forwarded', call, forwarded: jsonOf(payload, forwarded) };
    case Record.cut:
      return { kind: 'cut', call, cut: jsonOf(payload, cut) as Cut };
    case Record.withheld:
      return { kind: 'withheld', call, by, withheld: jsonOf(payload, withheld) as WithheldPart };
  }
}

function jsonOf<S extends z.ZodType>(payload: Uint8Array, shape: S): z.infer<S> {
  const { data, error } = shape.safeParse(parseJsonBytes(payload, RECORD_MAX_PAYLOAD));
  if (error === undefined) return data;
  throw new CustodyError('format-invalid', 'is not what its type has');
}

function* noteOf(payload: Uint8Array): Generator<TapeEvent> {
  try {
    const note = parseJsonBytes(payload, NOTE_MAX);
    if (!isJsonObject(note) || typeof note['note'] !== 'string') return;
    const call = note['call'];
    yield { kind: 'note', note: note as Note, call: typeof call === 'number' ? call : undefined };
  } catch (thrown) {
    yield { kind: 'damaged', text: `a note ${asCustodyError(thrown).message}` };
  }
}
