import { asCustodyError } from '#core/errors.ts';
import type { StreamDecoder, StreamEvent } from '#core/protocols/kubernetes/streams/decoder.ts';
import type { KubernetesStep } from './step.ts';
import type { Speaker } from './tape.ts';

/** Bytes of both directions as what they say; what they cannot say is a step, once. */
export class DecodedStream {
  readonly #decoder: StreamDecoder;
  readonly #number: number;
  #lost = false;

  constructor(decoder: StreamDecoder, number: number) {
    this.#decoder = decoder;
    this.#number = number;
  }

  *push(from: Speaker, bytes: Uint8Array, at: number): Generator<StreamEvent | Damaged> {
    if (this.#lost) return;
    const events = this.#decoder.push(from === 'client' ? 'client' : 'target', bytes)[Symbol.iterator]();
    for (;;) {
      const next = this.#next(events, at);
      if (next === undefined) return;
      yield next;
    }
  }

  #next(events: Iterator<StreamEvent>, at: number): StreamEvent | Damaged | undefined {
    try {
      const { done, value } = events.next();
      return done ? undefined : value;
    } catch (thrown) {
      this.#lost = true;
      const text = `the call's stream: ${asCustodyError(thrown).message}; the rest of it cannot be shown`;
      return { kind: 'damaged', at, took: 0, channel: this.#number, text };
    }
  }
}

export type Damaged = KubernetesStep & { readonly kind: 'damaged' };
