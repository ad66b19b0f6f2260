/** A keyboard-interactive dialogue from the server's side (RFC 4256): words and questions to a person, one at a time. */
import { CustodyError } from '#core/errors.ts';
import { violation } from '../wire.ts';
import { infoRequest, type Prompt, readInfoResponse } from './messages.ts';

interface Outstanding {
  readonly count: number;
  resolve(answers: readonly string[]): void;
  reject(error: CustodyError): void;
}

export class Dialogue {
  readonly #send: (payload: Uint8Array) => void;
  readonly #over = new AbortController();
  #outstanding: Outstanding | undefined;

  constructor(send: (payload: Uint8Array) => void) {
    this.#send = send;
  }

  /** Aborted when the client turns to another method, or goes. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Shows words and asks nothing. Resolves when the client says that it has shown them, which people may have to confirm. */
  async tell(words: string): Promise<void> {
    await this.ask(words, []);
  }

  /** Asks, and resolves with as many answers. Rejects with `peer-left` when the client turns to something else. */
  async ask(words: string, prompts: readonly Prompt[]): Promise<readonly string[]> {
    this.#over.signal.throwIfAborted();
    if (this.#outstanding !== undefined)
      throw new CustodyError('internal', 'a dialogue asked before its last question was answered');
    const answers = new Promise<readonly string[]>((resolve, reject) => {
      this.#outstanding = { count: prompts.length, resolve, reject };
    });
    this.#send(infoRequest({ name: '', instruction: words, prompts }));
    return answers;
  }

  /** Whether an answer is still to come. */
  get waits(): boolean {
    return this.#outstanding !== undefined;
  }

  /** An INFO_RESPONSE of the client's. Throws `protocol-violation`. */
  answer(payload: Uint8Array): void {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) throw violation('the client answered what nobody asked');
    const answers = readInfoResponse(payload, outstanding.count);
    this.#outstanding = undefined;
    outstanding.resolve(answers);
  }

  abandon(): void {
    const error = new CustodyError('peer-left', 'the client turned to something else');
    this.#outstanding?.reject(error);
    this.#outstanding = undefined;
    this.#over.abort(error);
  }
}
