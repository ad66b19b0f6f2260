import type { EvidenceFacts, Opening } from '#core/recording/verify/verify.ts';
import type { Session } from '../api/types.ts';
import { utcText } from '../parts/time.tsx';
import { shown } from '../parts/text.ts';
import { type Compared, compared } from './compare.ts';

interface StatedFactsProps {
  readonly facts: EvidenceFacts;
  /** Undefined where nobody vouches for it. */
  readonly open: Opening['open'];
  /** What the API says of the same session. */
  readonly told: Session | undefined;
  readonly isDoubted: boolean;
}

/** What the session was, as its signed statements say it; and where the API says otherwise. */
export function StatedFacts({ facts, open, told, isDoubted }: StatedFactsProps) {
  const rows = compared(facts, open, told);
  const differing = rows.filter(({ differs }) => differs).length;
  return (
    <section class="card" aria-labelledby="stated">
      <h2 id="stated">What the evidence says</h2>
      {isDoubted && <p class="hint">Worth as much as the verdict: do not rely on it.</p>}
      {differing > 0 && (
        <p role="alert" class="badge bad wrap">
          The API says otherwise in {differing === 1 ? 'one place' : `${differing} places`}. Believe what is
          signed.
        </p>
      )}
      <div class="scroll-x" role="region" aria-label="Evidence and API, side by side" tabIndex={0}>
        <table class="stated">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">In the evidence</th>
              <th scope="col">In the API</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.name} row={row} isKnown={told !== undefined} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({
  row: { name, stated, told, differs },
  isKnown,
}: {
  readonly row: Compared;
  readonly isKnown: boolean;
}) {
  return (
    <tr class={differs ? 'differs' : undefined}>
      <th scope="row">{name}</th>
      <td>{valueText(stated)}</td>
      <td>{differs ? valueText(told ?? 'nothing') : isKnown ? <span class="hint">the same</span> : ''}</td>
    </tr>
  );
}

/** Times stay as they are stated, in UTC. */
function valueText(value: string): string {
  return /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? utcText(value) : shown(value);
}
