type Side = 'client' | 'target';

interface Kept {
  readonly to: Side;
  readonly bytes: Uint8Array;
  readonly said: number;
  readonly pass: (bytes: Uint8Array) => void;
}

/**
 * What was read while more was not durable than the window allows: it goes on, in its order, once the recorder has caught up. Neither side
 * is read meanwhile, so it is what one turn of the loop brought.
 */
export class HeldBack {
  #kept: Kept[] = [];
  #whenPassed: (() => void)[] = [];

  /** `pass` gets a copy. `said`: how much of it somebody else than the gateway said. */
  keep(to: Side, bytes: Uint8Array, pass: (bytes: Uint8Array) => void, said = bytes.byteLength): void {
    this.#kept.push({ to, bytes: Buffer.from(bytes), said, pass });
  }

  /** Calls `passed` once nothing is kept. */
  whenPassed(passed: () => void): void {
    if (this.#kept.length === 0) passed();
    else this.#whenPassed.push(passed);
  }

  /** The recorder has caught up. */
  release(): void {
    // One by one: what goes on may end the session, which drops the rest.
    for (let left = this.#kept.length; left > 0; left -= 1) this.#passNext();
    for (const passed of this.#whenPassed.splice(0)) passed();
  }

  /** What cannot go on is kept, and counts as the rest. */
  #passNext(): void {
    const next = this.#kept.shift();
    try {
      next?.pass(next.bytes);
    } catch (thrown) {
      this.#kept.unshift(next!);
      throw thrown;
    }
  }

  /** Nothing of it goes to that side. Returns how many bytes of the other's that were. */
  drop(to: Side): number {
    const dropped = this.#kept.filter((kept) => kept.to === to);
    this.#kept = this.#kept.filter((kept) => kept.to !== to);
    return dropped.reduce((sum, { said }) => sum + said, 0);
  }
}
