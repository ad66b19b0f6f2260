import type { CarriedProtocol, CarriedReading } from '../carried.ts';
import type { ReadStep } from '../reader.ts';
import type { ReadingContext } from './context.ts';
import type { KubernetesOutcome, KubernetesStep } from './step.ts';

/** By so many bytes a protocol is known, or not. */
const FIRST_MAX = 64;

/** What a forwarded connection says, where its client begins as one of the protocols does that are read within others. */
export class ForwardedSpeech {
  readonly #call: number;
  readonly #forward: number;
  readonly #context: ReadingContext;
  #first: Uint8Array = new Uint8Array(0);
  /** Null: nobody knows it. */
  #reading: CarriedReading | null | undefined;
  #protocol: CarriedProtocol | undefined;

  constructor(call: number, forward: number, context: ReadingContext) {
    this.#call = call;
    this.#forward = forward;
    this.#context = context;
  }

  get protocol(): string | undefined {
    return this.#protocol?.protocol;
  }

  take(from: 'client' | 'target', bytes: Uint8Array, at: number): KubernetesStep[] {
    if (this.#reading === null) return [];
    if (this.#reading !== undefined) return this.#read(this.#reading, from, bytes, at);
    // A server that speaks first is none of those that are known.
    if (from === 'target') return this.#giveUp();
    this.#first = Buffer.concat([this.#first, bytes]);
    const reading = this.#recognised();
    if (reading === undefined) return this.#first.length > FIRST_MAX ? this.#giveUp() : [];
    this.#reading = reading;
    const first = this.#first;
    this.#first = new Uint8Array(0);
    return this.#read(reading, 'client', first, at);
  }

  end(at: number): KubernetesStep[] {
    const steps = this.#reading ? this.#reading.end(at).map((read) => this.#step(read)) : [];
    this.#giveUp();
    return steps;
  }

  #recognised(): CarriedReading | undefined {
    const { carries, left } = this.#context;
    const protocol = carries.find((one) => one.begins(this.#first) === true);
    if (protocol === undefined || left.carried === 0) return undefined;
    left.carried -= 1;
    this.#protocol = protocol;
    return protocol.open();
  }

  #read(reading: CarriedReading, from: 'client' | 'target', bytes: Uint8Array, at: number): KubernetesStep[] {
    const steps = reading.take(from, bytes, at);
    return steps === undefined ? this.#giveUp() : steps.map((read) => this.#step(read));
  }

  #giveUp(): [] {
    if (this.#reading) this.#context.left.carried += 1;
    this.#reading = null;
    this.#first = new Uint8Array(0);
    return [];
  }

  #step(read: ReadStep): KubernetesStep {
    const { at, took, outcome } = read.step;
    const protocol = this.#protocol!.protocol;
    return {
      ...{ kind: 'carried', at, took, channel: this.#call, heuristic: true },
      ...(isOutcome(outcome) && { outcome }),
      carried: { protocol, forward: this.#forward, step: read.toJson() },
    };
  }
}

function isOutcome(outcome: string | undefined): outcome is KubernetesOutcome {
  return outcome === 'completed' || outcome === 'failed';
}
