import type { Config } from '../../access/config.ts';
import { loadRedaction, type Redaction } from './redaction.ts';

/** Configurations change now and then, and name few targets that leave something out. */
const KEPT = 100;

/** What targets leave out, compiled once for each text of their rules. */
export class Redactions {
  readonly #known = new Map<string, Promise<Redaction | undefined>>();

  /** `protocol`: of the session; a target may speak another by now. */
  of(
    { target, protocol }: { target: string; protocol: string },
    config: Config,
  ): Promise<Redaction | undefined> {
    const rules = config.targets.get(target)?.redact;
    if (rules === undefined) return Promise.resolve(undefined);
    const key = JSON.stringify([protocol, rules]);
    const known = this.#known.get(key) ?? loadRedaction(protocol, rules);
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(key, known);
    return known;
  }
}
