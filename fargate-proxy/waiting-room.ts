import { CustodyError } from '#core/errors.ts';

/** Clients for which somebody decides something, and that wait for it at once. */
const WAITING_MAX = 200;

/** How many wait for people: for reviewers, or for one who confirms a login in a browser. */
export class WaitingRoom {
  #waiting = 0;

  get isFull(): boolean {
    return this.#waiting >= WAITING_MAX;
  }

  /** Returns how to leave. Throws `too-many-connections` where there is no room. */
  enter(): () => void {
    if (this.isFull)
      throw new CustodyError('too-many-connections', `${WAITING_MAX} clients wait for somebody already`, {
        hint: 'connect with a token or a certificate: custody login',
      });
    this.#waiting += 1;
    return () => void (this.#waiting -= 1);
  }
}
