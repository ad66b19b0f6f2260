import type { TransactionStatus } from './backend.ts';
import { plainTokens } from './plain-words.ts';

/**
 * What ran in the transaction that is open, to know what of it was taken back: by ROLLBACK, in part or whole, or since it failed.
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
 */
export class TransactionLog<Ran> {
  #ran: Ran[] = [];
  /** By their names, the newest last; `at`: how much had run then. */
  #savepoints: { readonly name: string; readonly at: number }[] = [];
  #failed = false;

  /** One more has run, and what it takes back with it. `tag`: of CommandComplete. `text`: its own, without values. */
  completed(ran: Ran, tag: string, text: string): readonly Ran[] {
    if (tag === 'COMMIT' || tag === 'PREPARE TRANSACTION') {
      this.#clear();
      return [];
    }
    if (tag === 'ROLLBACK') return this.#rolledBack(text);
    this.#ran.push(ran);
    if (tag === 'SAVEPOINT') this.#savepoints.push({ name: savepointOf(text) ?? '', at: this.#ran.length });
    else if (tag === 'RELEASE') this.#release(savepointOf(text));
    return [];
  }

  /** A command has failed. */
  failed(): void {
    this.#failed = true;
  }

  /** ReadyForQuery. Returns what the failed transaction takes back with it. */
  ready(status: TransactionStatus): readonly Ran[] {
    const back = this.#failed && status === 'I' ? this.#ran : [];
    this.#failed = false;
    if (status === 'I') this.#clear();
    return back;
  }

  /** How far it goes back cannot be told where the name is no plain one: then nothing is given back. */
  #rolledBack(text: string): readonly Ran[] {
    return plainTokens(bare(text)) === undefined ? [] : this.#back(savepointOf(text));
  }

  #back(to: string | undefined): readonly Ran[] {
    const found = to === undefined ? -1 : this.#savepoints.findLastIndex(({ name }) => name === to);
    const back = this.#ran.splice(found < 0 ? 0 : this.#savepoints[found]!.at);
    this.#savepoints.splice(found + 1);
    return back;
  }

  #release(name: string | undefined): void {
    const found = this.#savepoints.findLastIndex((one) => one.name === name);
    if (found >= 0) this.#savepoints.splice(found);
  }

  #clear(): void {
    this.#ran = [];
    this.#savepoints = [];
  }
}

/** The name at the end of SAVEPOINT, RELEASE or ROLLBACK TO; undefined for a ROLLBACK of all. */
function savepointOf(text: string): string | undefined {
  const tokens = plainTokens(bare(text)) ?? [];
  const isPart = ({ kind, text: word }: (typeof tokens)[number]): boolean => kind === 'word' && word === 'to';
  const first = tokens[0]?.text;
  if ((first === 'rollback' || first === 'abort') && !tokens.slice(1, 3).some(isPart)) return undefined;
  return tokens.length < 2 ? undefined : tokens.at(-1)!.text;
}

function bare(text: string): string {
  return text.replace(/;\s*$/, '');
}
