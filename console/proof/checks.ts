/** What a verification looked at, piece by piece: what holds, what does not, and what nobody checked. */
import {
  CLOSE,
  LEDGER_PROOF,
  OPEN,
  SIGNER_KEY,
  segmentNumber,
  signatureName,
  TASK_RESULT,
} from '#core/recording/layout.ts';
import { type Finding, verdictOf } from '#core/recording/verify/report.ts';
import type { Verified } from './verified.ts';

export type CheckState = 'holds' | 'fails' | 'open';

export interface Check {
  readonly what: string;
  readonly state: CheckState;
  readonly words: string;
}

type Seen = Pick<Verified, 'report' | 'opening' | 'names'>;
type Part = 'signer' | 'opening' | 'segments' | 'end' | 'ledger' | 'task' | 'other';

/** What is true whoever signed what. */
const STANDS_ALONE: ReadonlySet<string> = new Set(['Signer', 'Nothing else']);

export function checksOf(seen: Seen): readonly Check[] {
  const isVouched = !hasFailed(seen, 'signer') && !hasFailed(seen, 'opening');
  const checks = [
    signer(seen),
    opening(seen),
    segments(seen),
    end(seen),
    ledger(seen),
    task(seen),
    others(seen),
  ];
  return checks.flatMap((check) => {
    if (check === undefined) return [];
    const rests = check.state === 'holds' && !isVouched && !STANDS_ALONE.has(check.what);
    return [
      rests
        ? { ...check, state: 'open', words: 'rests on a signer or an opening that does not hold' }
        : check,
    ];
  });
}

function signer(seen: Seen): Check {
  const what = 'Signer';
  const found = of(seen, 'signer')[0];
  if (found === undefined) return { what, state: 'holds', words: 'the key that you pinned' };
  if (found.code === 'signer-unanchored')
    return { what, state: 'open', words: 'the gateway’s own word: compare it below' };
  return { what, state: 'fails', words: 'not the key that you trust' };
}

function opening(seen: Seen): Check {
  return stated(seen, 'opening', 'Opening', 'signed: who, what target, when, under which rule');
}

function end(seen: Seen): Check {
  if (seen.names.has(CLOSE))
    return stated(seen, 'end', 'End', 'signed: when, why, and how much was recorded');
  return { what: 'End', state: 'open', words: 'not sealed: nobody says yet how much was recorded' };
}

function stated(seen: Seen, part: Part, what: string, words: string): Check {
  return hasFailed(seen, part)
    ? { what, state: 'fails', words: 'see the findings' }
    : { what, state: 'holds', words };
}

function segments(seen: Seen): Check {
  const what = 'Recording';
  const { facts } = seen.report;
  if (hasFailed(seen, 'segments')) return { what, state: 'fails', words: 'see the findings' };
  const count = facts?.segments ?? 0;
  const words =
    count === 1
      ? 'its one segment is signed, and decoded to its last byte'
      : `all ${count} segments are signed, in order, and decoded to their last byte`;
  return { what, state: 'holds', words };
}

function ledger(seen: Seen): Check {
  const what = 'Ledger';
  const { facts } = seen.report;
  if (!seen.names.has(LEDGER_PROOF))
    return { what, state: 'open', words: 'no proof yet: leaves are in the ledger within a minute' };
  if (hasFailed(seen, 'ledger') || facts?.ledger === undefined)
    return { what, state: 'fails', words: 'not proved to be in your ledger' };
  const { ended, size, origin } = facts.ledger;
  const words = `opening${ended ? ' and end are' : ' is'} under a signed checkpoint of ${size} leaves of ${origin}`;
  return { what, state: of(seen, 'ledger').length > 0 ? 'open' : 'holds', words };
}

function task(seen: Seen): Check | undefined {
  const what = 'Task’s result';
  if (seen.names.has(TASK_RESULT)) return stated(seen, 'task', what, 'signed, and of this very session');
  return seen.opening?.open?.task === undefined
    ? undefined
    : { what, state: 'open', words: 'not derived yet' };
}

function others(seen: Seen): Check {
  const what = 'Nothing else';
  const found = of(seen, 'other').length;
  if (found === 0)
    return { what, state: 'holds', words: 'no object is there that the recorder did not write' };
  return { what, state: 'fails', words: `${found} found` };
}

/** What no look at one session's evidence can show, said beside every verdict. */
export const NOT_CHECKED: readonly string[] = [
  'Whether the gateway recorded what went over the wire: that is what its operator vouches for.',
  'Whether other sessions are missing: custody audit holds the whole ledger against the whole store.',
  'Whether others are shown the same ledger: compare checkpoints that were kept elsewhere.',
];

function hasFailed(seen: Seen, part: Part): boolean {
  return of(seen, part).some((finding) => verdictOf([finding]) === 'failed');
}

function of({ report }: Seen, part: Part): readonly Finding[] {
  return report.findings.filter(({ object }) => partOf(object) === part);
}

function partOf(object: string): Part {
  if (segmentNumber(object) !== undefined) return 'segments';
  return PARTS.get(object) ?? 'other';
}

const PARTS: ReadonlyMap<string, Part> = new Map([
  [SIGNER_KEY, 'signer'],
  [OPEN, 'opening'],
  [signatureName(OPEN), 'opening'],
  [CLOSE, 'end'],
  [signatureName(CLOSE), 'end'],
  [LEDGER_PROOF, 'ledger'],
  [TASK_RESULT, 'task'],
]);
