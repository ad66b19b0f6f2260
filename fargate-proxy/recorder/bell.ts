/** The recorder's thread waits for a message. */
const ASLEEP = 0;
/** It looks at the bell again before it sleeps: no message is needed. */
const AWAKE = 1;
const RUNG = 2;
const [STATE, ALL] = [0, 1];

/**
 * Tells the recorder that something waits in the slabs, without a message while it is awake: two words that both threads see.
 * The relay publishes frames, then rings. The recorder answers, then takes what is published; before it sleeps it asks to rest.
 * All of it is in one order that both threads see alike, so whoever rings is answered after the ring, or wakes the recorder.
 */
export class Bell {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** `all`: not only for somebody who waits. True: the recorder sleeps, and only a message wakes it. */
  ring(all: boolean): boolean {
    if (all) Atomics.store(this.#words, ALL, 1);
    return Atomics.exchange(this.#words, STATE, RUNG) === ASLEEP;
  }

  /** The recorder is awake after all, until it rests again: no ring needs a message. */
  watch(): void {
    Atomics.compareExchange(this.#words, STATE, ASLEEP, AWAKE);
  }

  /** It was rung since it was last answered. */
  get isRung(): boolean {
    return Atomics.load(this.#words, STATE) === RUNG;
  }

  /** True: it was rung since it was last answered. */
  answer(): boolean {
    return Atomics.compareExchange(this.#words, STATE, RUNG, AWAKE) === RUNG;
  }

  /** True: since this was last asked, it was rung for all that is there. To be asked before that is taken. */
  isForAll(): boolean {
    return Atomics.exchange(this.#words, ALL, 0) === 1;
  }

  /** From now on the next ring needs a message. False: it was rung just now. */
  rest(): boolean {
    return Atomics.compareExchange(this.#words, STATE, AWAKE, ASLEEP) !== RUNG;
  }
}
