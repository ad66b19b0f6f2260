import { CustodyError } from '#core/errors.ts';

/** Clients for which somebody decides something, and that wait for it at once: of one gateway, however many processes it has. */
export const WAITING_MAX = 200;

/** How many wait for people: for reviewers, or for one who confirms a login in a browser. */
export class WaitingRoom {
  readonly #room: number;
  #waiting = 0;

  constructor(room = WAITING_MAX) {
    this.#room = room;
  }

  get isFull(): boolean {
    return this.#waiting >= this.#room;
  }

  /** Returns how to leave. Throws `too-many-connections` where there is no room. */
  enter(): () => void {
    if (this.isFull)
      throw new CustodyError('too-many-connections', `${this.#room} clients wait for somebody already`, {
        hint: 'connect with a token or a certificate: custody login',
      });
    this.#waiting += 1;
    return () => void (this.#waiting -= 1);
  }
}
