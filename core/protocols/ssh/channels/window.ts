/** Of a channel's window this much is kept back, so that the gateway can say something on it at any time. */
const RESERVE = 4096;
/**
 * Where a gate may speak, much more: peers make room again only when a good part of the window is used, OpenSSH after 96 KiB, others
 * after half of it. With less than that in reserve the gateway could wait for ever.
 */
const SPEAKING_SHARE = 5 / 8;

/**
 * One direction of one channel. The receiver's window goes to the sender but for a reserve, out of which the gateway speaks; what of
 * the sender's data never reaches the receiver fills it again. At any time the receiver has room for what the sender may send and
 * for the reserve.
 */
export class KeptWindow {
  readonly #speaks: boolean;
  #wanted = RESERVE;
  #reserve = 0;

  /** `speaks`: a gate may have to say much. */
  constructor(speaks: boolean) {
    this.#speaks = speaks;
  }

  get reserve(): number {
    return this.#reserve;
  }

  /** The receiver opens with `window`: returns what the sender is told. */
  open(window: number): number {
    if (this.#speaks) this.#wanted = Math.max(RESERVE, Math.floor(window * SPEAKING_SHARE));
    this.#reserve = Math.min(this.#wanted, this.#speaks ? Math.floor(window * SPEAKING_SHARE) : window >>> 2);
    return window - this.#reserve;
  }

  /** The receiver makes room: returns what the sender is told of it. */
  adjust(bytes: number): number {
    const kept = Math.min(this.#wanted - this.#reserve, bytes >>> 1);
    this.#reserve += kept;
    return bytes - kept;
  }

  /** The gateway says so much to the receiver; at most the reserve. */
  spend(bytes: number): void {
    this.#reserve -= bytes;
  }

  /** So much of the sender's never reaches the receiver: returns what the sender is given back. */
  drop(bytes: number): number {
    const kept = Math.min(this.#wanted - this.#reserve, bytes);
    this.#reserve += kept;
    return bytes - kept;
  }
}
