import type { Guess } from '#core/identity/token-failures.ts';
import type { Found, SiblingNote } from './messages.ts';
import type { PlaceAmong } from './share.ts';

/** One that has died meanwhile answers nothing. */
const ANSWER_MS = 1_000;
/** As long as a login may take: a target that takes a cancel does so at once. */
const DONE_MS = 10_000;

interface Asked {
  /** Who has not answered. */
  left: number;
  callOff: () => void;
  readonly settle: (found: boolean) => void;
}

/** What siblings ask of this process, and tell it. */
export interface SiblingEars {
  /** Cancels what the key belongs to: resolves when the target has taken it. Undefined where the key is not known here. */
  readonly cancel: (key: string, from: string) => Promise<void> | undefined;
  readonly guess: (guess: Guess) => void;
  readonly proof: (name: string) => void;
}

/** The other processes of one gateway, as one of them sees them: a client's second connection may be at any. */
export class Siblings {
  readonly #place: PlaceAmong;
  readonly #tell: (note: SiblingNote) => void;
  readonly #after: (ms: number, over: () => void) => () => void;
  readonly #asked = new Map<number, Asked>();
  #next = 1;

  /** `tell`: to all others. `after`: calls once the time is over, unless it is called off by what it returns. */
  constructor(
    place: PlaceAmong,
    tell: (note: SiblingNote) => void,
    after: (ms: number, over: () => void) => () => void,
  ) {
    this.#place = place;
    this.#tell = tell;
    this.#after = after;
  }

  /** How many processes there are, with this one. */
  get of(): number {
    return this.#place.of;
  }

  /** Has the sibling that issued the key cancel what it belongs to; resolves when the target has taken it. False: none has issued it. */
  readonly cancel = (key: string, from: string): Promise<boolean> => {
    const ask = this.#next++;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const settle = (found: boolean): void => {
      this.#asked.get(ask)?.callOff();
      this.#asked.delete(ask);
      resolve(found);
    };
    const callOff = this.#after(ANSWER_MS, () => settle(false));
    this.#asked.set(ask, { left: this.#place.of - 1, callOff, settle });
    this.#tell({ about: 'cancel', by: this.#place.number, ask, key, from });
    return promise;
  };

  readonly guessed = (guess: Guess): void => this.#tell({ about: 'guess', guess });

  readonly proved = (name: string): void => this.#tell({ about: 'proof', name });

  /** What a sibling told. */
  receive(note: SiblingNote, ears: SiblingEars): void {
    switch (note.about) {
      case 'cancel':
        void this.#answer(note, ears);
        return;
      case 'cancelled':
        if (note.to === this.#place.number) this.#answered(note.ask, note.found);
        return;
      case 'guess':
        ears.guess(note.guess);
        return;
      case 'proof':
        ears.proof(note.name);
    }
  }

  /** That the target did not take it is told to nobody, as where the request comes to the right process by itself. */
  async #answer({ by, ask, key, from }: SiblingNote & { about: 'cancel' }, ears: SiblingEars): Promise<void> {
    const say = (found: Found): void => this.#tell({ about: 'cancelled', to: by, ask, found });
    const cancelling = ears.cancel(key, from);
    if (cancelling === undefined) return say('no');
    say('yes');
    await cancelling.catch(() => undefined);
    say('done');
  }

  #answered(ask: number, found: Found): void {
    const asked = this.#asked.get(ask);
    if (asked === undefined) return;
    if (found === 'done') return asked.settle(true);
    if (found === 'yes') {
      asked.callOff();
      asked.callOff = this.#after(DONE_MS, () => asked.settle(true));
      return;
    }
    asked.left -= 1;
    if (asked.left === 0) asked.settle(false);
  }
}
