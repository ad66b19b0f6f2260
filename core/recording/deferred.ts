/** What is known of a deck when its frames have come. */
interface Unhurried {
  /** Nobody waits for them. */
  readonly isUnhurried: boolean;
}

/**
 * Tapes of whose frames the journal lacks some, for which nobody waits. Each entry costs its share of a commit that others wait for, and
 * what is put off goes into one entry with what follows.
 */
export class Deferred<Deck extends Unhurried> {
  readonly #decks = new Map<number, Deck>();

  /** Something is put off. */
  get isAny(): boolean {
    return this.#decks.size > 0;
  }

  /** Whose frames become durable with this commit: with `all`, also what was put off; without, only what cannot be. */
  choose(touched: ReadonlyMap<number, Deck>, all: boolean): ReadonlyMap<number, Deck> {
    const chosen = new Map(all ? this.#decks : undefined);
    for (const [tape, deck] of touched) {
      if (all || !deck.isUnhurried) chosen.set(tape, deck);
      else this.#decks.set(tape, deck);
    }
    for (const tape of chosen.keys()) this.#decks.delete(tape);
    return chosen;
  }

  /** The tape is at its end: all of it goes into its last segment. */
  end(tape: number): void {
    this.#decks.delete(tape);
  }
}
