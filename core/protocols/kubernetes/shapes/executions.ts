/** Calls of a recorded Kubernetes session with what came of them, in the order in which they were over. */
import { CustodyError } from '#core/errors.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import type { StreamName } from '#core/recording/format.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { SeenExecution, TakeParts } from '#core/tasks/shapes.ts';
import { RecordReader, type TapeRecord } from '../tape.ts';
import { RecordedCall, type Side } from './recorded-call.ts';

const HEAD_MAX = 256 << 10;
/** More calls at once no session has; what is open beyond them is not followed. */
const OPEN_MAX = 10_000;

/** See `CommandShapes.executions`. */
export async function* kubernetesExecutions(
  frames: AsyncIterable<ReplayFrame>,
  take: TakeParts,
): AsyncGenerator<SeenExecution, void, undefined> {
  const tape = new CallTape(take);
  let now = 0;
  for await (const frame of frames) {
    now = frame.timeUs;
    if (frame.stream === 'note') heardNote(frame, take);
    else yield* tape.take(frame, frame.stream);
  }
  yield* tape.over(now);
}

function heardNote({ payload, timeUs }: ReplayFrame, take: TakeParts): void {
  const note = jsonOf(payload);
  if (note !== undefined) take.note?.(note, timeUs);
}

class CallTape {
  readonly #take: TakeParts;
  readonly #readers = new Map<Side, RecordReader>();
  readonly #calls = new Map<number, RecordedCall>();
  readonly #damaged = new Set<Side>();

  constructor(take: TakeParts) {
    this.#take = take;
  }

  *take(frame: ReplayFrame, stream: StreamName): Generator<SeenExecution> {
    if (stream !== 'client' && stream !== 'target' && stream !== 'gateway') return;
    for (const record of this.#records(stream, frame.payload)) {
      const call = this.#callOf(record, stream, frame.timeUs);
      if (call === undefined || !call.take(stream, record)) continue;
      this.#calls.delete(record.call);
      yield* call.execution(frame.timeUs, true);
    }
  }

  *over(now: number): Generator<SeenExecution> {
    for (const call of this.#calls.values()) yield* call.execution(now, false);
  }

  /** What is damaged ends what can be read of its stream; the verifier says so. */
  *#records(side: Side, bytes: Uint8Array): Generator<TapeRecord> {
    if (this.#damaged.has(side)) return;
    const reader = this.#readers.get(side) ?? new RecordReader();
    this.#readers.set(side, reader);
    try {
      yield* reader.push(bytes);
    } catch (thrown) {
      if (!(thrown instanceof CustodyError) || thrown.code !== 'format-invalid') throw thrown;
      this.#damaged.add(side);
    }
  }

  #callOf(record: TapeRecord, side: Side, at: number): RecordedCall | undefined {
    const known = this.#calls.get(record.call);
    if (known !== undefined || side !== 'client' || this.#calls.size >= OPEN_MAX) return known;
    const made = RecordedCall.begin(record, at, this.#take);
    if (made !== undefined) this.#calls.set(record.call, made);
    return made;
  }
}

/** Undefined of what is no object. */
function jsonOf(payload: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = parseJsonBytes(payload, HEAD_MAX);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
