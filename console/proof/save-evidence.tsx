import { useState } from 'preact/hooks';
import { type Problem, asProblem } from '../api/problem.ts';
import { Failure } from '../parts/states.tsx';
import { shownLines } from '../parts/text.ts';
import { sizeText } from '../player/words.ts';
import { useApi } from '../signin/context.ts';
import { evidenceTar } from './evidence-tar.ts';
import { howTo } from './how-to.ts';
import type { Offered } from './offered.ts';
import type { Pins } from './pins.ts';
import { saveFile } from './save-file.ts';

interface SaveEvidenceProps {
  readonly session: string;
  readonly offered: Offered;
  readonly pins: Pins | undefined;
}

type Saving =
  | { readonly is: 'idle' }
  | { readonly is: 'fetching'; readonly bytes: number; readonly of: number }
  | { readonly is: 'saved'; readonly name: string }
  | { readonly is: 'failed'; readonly problem: Problem };

/** Whoever serves this page could make it lie: the same can be checked without it. */
export function SaveEvidence({ session, offered, pins }: SaveEvidenceProps) {
  const api = useApi();
  const [saving, setSaving] = useState<Saving>({ is: 'idle' });
  const save = async (): Promise<void> => {
    setSaving({ is: 'fetching', bytes: 0, of: 0 });
    try {
      const onProgress = (bytes: number, of: number): void => setSaving({ is: 'fetching', bytes, of });
      const { origin } = location;
      const tar = await evidenceTar({ api, session, pem: offered.pem, origin, onProgress });
      saveFile(tar, `evidence-${session}.tar`);
      setSaving({ is: 'saved', name: `evidence-${session}.tar` });
    } catch (thrown) {
      setSaving({ is: 'failed', problem: asProblem(thrown) });
    }
  };
  return (
    <section class="card" aria-labelledby="save">
      <h2 id="save">Check it without this page</h2>
      <p>
        Whoever serves this page could make it lie. Save the evidence and check it elsewhere. That you take it
        away is entered in the ledger.
      </p>
      <div class="actions">
        <button type="button" disabled={saving.is === 'fetching'} onClick={() => void save()}>
          Save the evidence (.tar)
        </button>
      </div>
      <div role="status">
        {saving.is === 'fetching' && `fetching: ${sizeText(saving.bytes)} of ${sizeText(saving.of)}`}
        {saving.is === 'saved' && `saved as ${saving.name}`}
      </div>
      {saving.is === 'failed' && <Failure problem={saving.problem} />}
      <details>
        <summary>By the command line, or by plain tools</summary>
        <pre tabIndex={0}>{shownLines(howTo(session, pins?.ledger ?? offered.ledger ?? 'LEDGER'))}</pre>
      </details>
    </section>
  );
}
