/** What of steps leaves the gateway in events: what every reader may see, whoever reads them. */
import { createHash } from 'node:crypto';
import type { Config } from '../access/config.ts';
import type { JsonStep, ReadStep } from '../replay/reader.ts';
import { loadRedaction } from '../replay/redact/redaction.ts';
import { canonicalJson } from '../tasks/canonical-json.ts';

/** What may be seen of a step, and by which rules. */
export interface Seen {
  /** Digest of the rules, in eight characters; those of a target that leaves nothing out have one as well. */
  readonly rules: string;
  step(read: ReadStep): ReadStep;
}

/** For a target of this protocol and name. */
export type SeenOf = (protocol: string, target: string) => Promise<Seen>;

/** As custody.yaml says now. Of a target that it does not have any longer nobody knows what was to be left out: so all texts are. */
export function seenBy({ targets }: Pick<Config, 'targets'>): SeenOf {
  return async (protocol, name) => {
    const target = targets.get(name);
    if (target === undefined) return { rules: 'withheld', step: withheld };
    const { redact } = target;
    const redaction = await loadRedaction(protocol, redact);
    return { rules: rulesOf(redact), step: (read) => redaction?.step(read) ?? read };
  };
}

/** By its `redact`. */
export function rulesOf(redact: unknown): string {
  return createHash('sha256')
    .update(canonicalJson(redact ?? null))
    .digest('hex')
    .slice(0, 8);
}

/** That there was a step of this kind, when, and what came of it. */
function withheld({ step: { kind, at, took, outcome } }: ReadStep): ReadStep {
  const step = { kind, at, took, ...(outcome === undefined ? {} : { outcome }), redacted: true } as const;
  return { step, toText: () => kind, toJson: (): JsonStep => ({ ...step }) };
}
