/** What of steps leaves the gateway in events: what every reader may see, whoever reads them. */
import type { Config } from '../access/config.ts';
import { leftOutOf } from '../access/left-out.ts';
import type { ReadStep } from '../replay/reader.ts';
import { loadRedaction } from '../replay/redact/redaction.ts';
import { withheld } from '../replay/redact/withheld.ts';
import { rulesOf, WITHHELD } from '../search/fill.ts';

/** What may be seen of a step, and by which rules. */
export interface Seen {
  /** As search names them: what was found by others than those of now is not shown. */
  readonly rules: string;
  step(read: ReadStep): ReadStep;
}

/** For a target of this protocol and name. */
export type SeenOf = (protocol: string, target: string) => Promise<Seen>;

/** As custody.yaml says now. Of a target that it does not have any longer nobody knows what was to be left out: so all texts are. */
export function seenBy(config: Config): SeenOf {
  return async (protocol, name) => {
    const rules = leftOutOf(name, config);
    if (rules === 'all' || !config.targets.has(name)) return { rules: WITHHELD, step: withheld };
    const redaction = await loadRedaction(protocol, rules);
    return { rules: rulesOf({ target: name }, config), step: (read) => redaction?.step(read) ?? read };
  };
}
