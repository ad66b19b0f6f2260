import { Tally } from '../tally.ts';
import type { ReadingContext } from './context.ts';
import type { KubernetesStep } from './step.ts';
import type { StreamReading } from './stream-reading.ts';
import type { Speaker } from './tape.ts';

/** A stream that only passes through the API server, such as a WebSocket of what stands behind `proxy`. */
export class OpaqueReading implements StreamReading {
  readonly #sent: Tally;
  readonly #received: Tally;

  constructor({ limits }: ReadingContext) {
    this.#sent = new Tally(limits.sample);
    this.#received = new Tally(limits.sample);
  }

  take(from: Speaker, bytes: Uint8Array): KubernetesStep[] {
    (from === 'client' ? this.#sent : this.#received).add(bytes);
    return [];
  }

  end(): ReturnType<StreamReading['end']> {
    const [sent, received] = [this.#sent.shown(), this.#received.shown()];
    const forward = { number: 1, port: 0, ...(sent && { sent }), ...(received && { received }) };
    return { steps: [], fields: { forward } };
  }
}
