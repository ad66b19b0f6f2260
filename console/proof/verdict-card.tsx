import type { Verdict } from '#core/recording/verify/report.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';
import { sizeText } from '../player/words.ts';
import { type Check, type CheckState, checksOf, NOT_CHECKED } from './checks.ts';
import { Mark } from './mark.tsx';
import type { Verified } from './verified.ts';

const VERDICTS: Readonly<
  Record<Verdict, { readonly word: string; readonly meaning: string; readonly tone: CheckState }>
> = {
  verified: {
    word: 'Verified',
    meaning: 'Complete and unaltered, signed by the key that you pinned, and in the ledger that you pinned.',
    tone: 'holds',
  },
  unanchored: {
    word: 'Consistent, not yet proof',
    meaning:
      'Nothing contradicts it. But whose key is it? Compare the fingerprint below with the operator’s, and pin it.',
    tone: 'open',
  },
  incomplete: {
    word: 'Incomplete',
    meaning: 'Consistent so far, but not sealed: the session is live, or its gateway died.',
    tone: 'open',
  },
  failed: {
    word: 'Failed',
    meaning: 'Something contradicts it. Do not rely on this evidence.',
    tone: 'fails',
  },
};

interface VerdictCardProps {
  readonly verified: Verified;
  readonly onAgain: () => void;
}

/** One word that nobody can overlook, and what it means. */
export function VerdictCard({ verified: { report, bytes, ms, names }, onAgain }: VerdictCardProps) {
  const { word, meaning, tone } = VERDICTS[report.verdict];
  const isProved = names.has('ledger.json') || report.verdict !== 'verified';
  return (
    <section class={`card verdict ${tone}`}>
      <h2>
        <Mark state={tone} /> {word}
      </h2>
      <p>{isProved ? meaning : meaning.replace(', and in the ledger that you pinned', '')}</p>
      {report.facts?.completeness !== undefined && report.verdict !== 'failed' && (
        <p>{shown(report.facts.completeness)}</p>
      )}
      <p class="hint">
        {sizeText(bytes)} verified in this browser in {durationText(ms)}.
      </p>
      <button type="button" onClick={onAgain}>
        Verify again
      </button>
    </section>
  );
}

/** What was looked at, and what nobody looked at. */
export function Checks({ verified }: { readonly verified: Verified }) {
  return (
    <section class="card checks" aria-labelledby="checks">
      <h2 id="checks">What was checked</h2>
      <ul>
        {checksOf(verified).map((check) => (
          <CheckLine key={check.what} check={check} />
        ))}
      </ul>
      <h3>What was not</h3>
      <ul class="plain">
        {NOT_CHECKED.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
    </section>
  );
}

const STATES: Readonly<Record<CheckState, string>> = { holds: 'holds', fails: 'fails', open: 'not checked' };

function CheckLine({ check: { what, state, words } }: { readonly check: Check }) {
  return (
    <li class={state}>
      <Mark state={state} />
      <strong>{what}</strong>
      <span class="visually-hidden">{STATES[state]}:</span>
      <span>{shown(words)}</span>
    </li>
  );
}
