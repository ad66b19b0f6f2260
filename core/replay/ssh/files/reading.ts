import { asCustodyError } from '#core/errors.ts';
import type { ChannelReader, Direction } from '../channel-reader.ts';
import type { SshStep } from '../step.ts';

export type Emit = (step: SshStep) => void;

/** As a `ChannelReader`, but steps are given to whom it was made with, and what cannot be read is thrown as `protocol-violation`. */
export interface Reading {
  take(direction: Direction, bytes: Uint8Array, at: number, withheld: boolean): void;
  said?(bytes: Uint8Array, at: number): void;
  note?(note: Readonly<Record<string, unknown>>, at: number): void;
  end(at: number): void;
}

/** Says once what cannot be read, and what was seen until then. */
export function guarded(channel: number, make: (emit: Emit) => Reading): ChannelReader {
  const steps: SshStep[] = [];
  const reading = make((step) => steps.push(step));
  let over = false;
  const run = (at: number, work: () => void): SshStep[] => {
    if (over) return [];
    try {
      work();
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (error.code !== 'protocol-violation') throw error;
      over = true;
      steps.push({ kind: 'damaged', at, took: 0, channel, text: error.message });
      reading.end(at);
    }
    return steps.splice(0);
  };
  return {
    take: (direction, bytes, at, withheld) => run(at, () => reading.take(direction, bytes, at, withheld)),
    said: (bytes, at) => run(at, () => reading.said?.(bytes, at)),
    note: (note, at) => run(at, () => reading.note?.(note, at)),
    end: (at) =>
      run(at, () => {
        reading.end(at);
        over = true;
      }),
  };
}
