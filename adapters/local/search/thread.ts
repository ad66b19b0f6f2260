import { Worker } from 'node:worker_threads';
import { CustodyError } from '#core/errors.ts';
import {
  OPENING,
  type SearchAnswer,
  type SearchCall,
  type SearchCallName,
  type SearchResult,
} from './messages.ts';

const ENTRY = new URL('./worker.ts', import.meta.url);

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: CustodyError) => void;
}

/** The other end of the search's thread. One that dies takes its calls with it; the next call starts another. */
export class SearchThread {
  readonly #file: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #number = OPENING;

  constructor(file: string) {
    this.#file = file;
  }

  /** Rejects as `SearchDatabase` throws. */
  open(): Promise<unknown> {
    return this.#answered(OPENING, () => (this.#worker = this.#start()));
  }

  async call<Name extends SearchCallName>(
    call: Name,
    ...values: Extract<SearchCall, { readonly call: Name }>['values']
  ): Promise<SearchResult<Name>> {
    if (this.#worker === undefined) await this.open();
    const number = (this.#number += 1);
    const message = { number, call, values };
    return (await this.#answered(number, () => this.#worker!.postMessage(message))) as SearchResult<Name>;
  }

  /** As if it had run out of memory. */
  kill(): void {
    void this.#worker?.terminate();
  }

  #answered(number: number, ask: () => void): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      ask();
      this.#worker?.ref();
    });
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { workerData: this.#file });
    worker.on('message', (answer: SearchAnswer) => this.#take(answer));
    worker.on('error', (error) => this.#die(worker, error instanceof Error ? error : undefined));
    worker.on('exit', () => this.#die(worker));
    return worker;
  }

  #take({ number, value, error }: SearchAnswer): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    // Nothing but a call keeps the process alive.
    if (this.#waiting.size === 0) this.#worker?.unref();
    if (error === undefined) return waiting?.resolve(value);
    waiting?.reject(new CustodyError(error.code, error.message, error));
  }

  #die(worker: Worker, cause?: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    const ended = new CustodyError('store-unavailable', 'the search ended', {
      hint: 'try it again',
      ...(cause === undefined ? {} : { cause, detail: cause.message }),
    });
    for (const { reject } of this.#waiting.values()) reject(ended);
    this.#waiting.clear();
  }
}
