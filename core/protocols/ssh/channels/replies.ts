import { violation } from '../wire.ts';

/** Requests of one side, each waiting for its answer: far more than anybody sends at once. */
const PENDING_MAX = 1024;

/** Told once the far side has answered. */
export type Answered = (success: boolean, payload: Uint8Array) => void;

type Awaited =
  | { readonly kind: 'passed'; readonly answered: Answered | undefined }
  | { readonly kind: 'swallowed' }
  | { readonly kind: 'ours'; readonly messages: readonly Uint8Array[] };

/**
 * Answers carry no number: they come in the order of the requests (RFC 4254 sections 4 and 5.4). What the gateway answers itself
 * waits until everything asked before it is answered.
 */
export class Replies {
  #waiting: Awaited[] = [];
  readonly #say: (message: Uint8Array) => void;

  constructor(say: (message: Uint8Array) => void) {
    this.#say = say;
  }

  /** The far side was asked, and its answer goes to whoever asked. */
  expect(answered?: Answered): void {
    this.#push({ kind: 'passed', answered });
  }

  /** The gateway asked in its own name: the answer stays here. */
  swallow(): void {
    this.#push({ kind: 'swallowed' });
  }

  /** The next answer is to a question of the gateway's own. */
  get isOwnNext(): boolean {
    return this.#waiting[0]?.kind === 'swallowed';
  }

  /** The gateway answers, as soon as it is its turn. */
  answer(...messages: readonly Uint8Array[]): void {
    if (this.#waiting.length === 0) for (const message of messages) this.#say(message);
    else this.#push({ kind: 'ours', messages });
  }

  /** The far side has answered. True where that is to be passed on; `sayNext` has to follow then. */
  take(success: boolean, payload: Uint8Array): boolean {
    const first = this.#waiting.shift();
    if (first === undefined) return false;
    if (first.kind === 'passed') first.answered?.(success, payload);
    return first.kind === 'passed';
  }

  /** Says what has its turn now. */
  sayNext(): void {
    while (this.#waiting[0]?.kind === 'ours') {
      const { messages } = this.#waiting.shift() as Extract<Awaited, { kind: 'ours' }>;
      for (const message of messages) this.#say(message);
    }
  }

  /** Nothing more will be answered: what the gateway had to say is said all the same. */
  flush(): void {
    const left = this.#waiting.splice(0);
    for (const awaited of left)
      if (awaited.kind === 'ours') for (const message of awaited.messages) this.#say(message);
  }

  #push(awaited: Awaited): void {
    if (this.#waiting.length >= PENDING_MAX) throw violation('too many requests wait for an answer');
    this.#waiting.push(awaited);
  }
}
