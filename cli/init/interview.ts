import { createInterface, type Interface } from 'node:readline/promises';
import { escapeTerminal } from '#core/replay/text.ts';
import { CustodyError } from '#core/errors.ts';
import { type Cli, say } from '../cli.ts';

export interface Question {
  /** What a flag said: it is not asked then. */
  readonly given?: string | undefined;
  /** What Enter, or `--yes`, takes. */
  readonly proposal?: string | undefined;
  /** What is wrong with an answer. */
  readonly mistake?: (answer: string) => string | undefined;
}

/** Asks a person, or takes what flags say. */
export interface Interview extends Disposable {
  text(what: string, question: Question): Promise<string>;
  /** `false` without a terminal, whatever `--yes` says: what is registered somewhere has a flag of its own. */
  agrees(what: string): Promise<boolean>;
}

/** On a terminal; with `--yes`, or without one, nobody is asked. */
export function openInterview(cli: Cli, yes: boolean): Interview {
  const isTerminal = 'isTTY' in cli.stdin && cli.stdin.isTTY === true;
  return isTerminal && !yes ? new Asking(cli) : new Silent();
}

class Silent implements Interview {
  async text(what: string, { given, proposal, mistake }: Question): Promise<string> {
    const answer = given ?? proposal ?? '';
    const wrong = mistake?.(answer);
    if (wrong !== undefined) throw new CustodyError('config-invalid', `${what}: ${wrong}`);
    return answer;
  }

  agrees(): Promise<boolean> {
    return Promise.resolve(false);
  }

  [Symbol.dispose](): void {
    // Nothing was opened.
  }
}

class Asking implements Interview {
  readonly #cli: Cli;
  readonly #lines: Interface;

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#lines = createInterface({ input: cli.stdin, output: cli.stderr });
  }

  async text(what: string, { given, proposal, mistake }: Question): Promise<string> {
    for (let next = given; ; next = undefined) {
      const answer = next ?? (await this.#ask(what, proposal));
      const wrong = mistake?.(answer);
      if (wrong === undefined) return answer;
      say(this.#cli, `  ${wrong}`);
    }
  }

  async agrees(what: string): Promise<boolean> {
    return /^y(?:es)?$/i.test(await this.#ask(`${what} [y/N]`, undefined));
  }

  async #ask(what: string, proposal: string | undefined): Promise<string> {
    const shown = proposal === undefined ? what : `${what} [${proposal}]`;
    try {
      return (await this.#lines.question(`${escapeTerminal(shown)}: `)).trim() || (proposal ?? '');
    } catch {
      // Ctrl-C or Ctrl-D.
      throw new CustodyError('config-invalid', 'nothing was written: the questions were not all answered');
    }
  }

  [Symbol.dispose](): void {
    this.#lines.close();
  }
}
