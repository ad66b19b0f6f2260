import type { Config } from '../../access/config.ts';
import { leftOutOf } from '../../access/left-out.ts';
import { CustodyError } from '../../errors.ts';
import { loadRedaction, type Redaction } from './redaction.ts';

/** Configurations change now and then, and name few targets that leave something out. */
const KEPT = 100;

/** What targets leave out, compiled once for each text of their rules. */
export class Redactions {
  readonly #known = new Map<string, Promise<Redaction | undefined>>();

  /**
   * `protocol`: of the session; a target may speak another by now. Rejects with `evidence-redacted` where nothing may be seen: see
   * `leftOutOf`.
   */
  async of(
    { target, protocol }: { target: string; protocol: string },
    config: Config,
  ): Promise<Redaction | undefined> {
    const rules = leftOutOf(target, config);
    if (rules === undefined) return undefined;
    if (rules === 'all') throw nothingSeen(target);
    const key = JSON.stringify([protocol, rules]);
    const known = this.#known.get(key) ?? loadRedaction(protocol, rules);
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }
}

function nothingSeen(target: string): CustodyError {
  return new CustodyError('evidence-redacted', `what ${target} left out is not known any longer`, {
    hint: 'custody.yaml has that target no more: with it, and its `redact`, the rest is shown; a rule with `unredacted: true` shows all',
  });
}
