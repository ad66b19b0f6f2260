/** The recorder's thread waits for a message. */
const ASLEEP = 0;
/** It looks at the bell again before it sleeps: no message is needed. */
const AWAKE = 1;
const RUNG = 2;

/**
 * Tells the recorder that something waits in the slabs, without a message while it is awake: one word that both threads see.
 * The relay publishes frames, then rings. The recorder answers, then takes what is published; before it sleeps it asks to rest.
 * All of it is in one order that both threads see alike, so whoever rings is answered after the ring, or wakes the recorder.
 */
export class Bell {
  readonly memory: SharedArrayBuffer;
  readonly #word: Int32Array;

  constructor(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#word = new Int32Array(memory);
  }

  /** True: the recorder sleeps, and only a message wakes it. */
  ring(): boolean {
    return Atomics.exchange(this.#word, 0, RUNG) === ASLEEP;
  }

  /** True: it was rung since it was last answered. */
  answer(): boolean {
    return Atomics.compareExchange(this.#word, 0, RUNG, AWAKE) === RUNG;
  }

  /** From now on the next ring needs a message. False: it was rung just now. */
  rest(): boolean {
    return Atomics.compareExchange(this.#word, 0, AWAKE, ASLEEP) !== RUNG;
  }
}
