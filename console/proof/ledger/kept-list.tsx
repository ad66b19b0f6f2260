import { useAnswer } from '../../parts/answer.ts';
import { shown } from '../../parts/text.ts';
import { Time } from '../../parts/time.tsx';
import { type LedgerPorts, opinionOf } from './opinion.ts';
import { OpinionWords } from './opinion-words.tsx';
import type { Kept, KeptStore } from './kept.ts';

/** What was kept here, each held against the newest. */
export function KeptList({ store, ...ports }: LedgerPorts & { readonly store: KeptStore }) {
  const kept = store.kept.value;
  return (
    <section class="card half" aria-labelledby="kept">
      <h2 id="kept">Checkpoints that you kept</h2>
      {kept.length === 0 && <p class="hint">None yet in this browser. Keep the newest now, and come back.</p>}
      <ul class="kept" aria-live="polite">
        {kept.toReversed().map((one) => (
          <KeptLine key={one.note} kept={one} ports={ports} onForget={() => store.forget(one.note)} />
        ))}
      </ul>
    </section>
  );
}

interface KeptLineProps {
  readonly kept: Kept;
  readonly ports: LedgerPorts;
  readonly onForget: () => void;
}

function KeptLine({ kept: { note, at }, ports, onForget }: KeptLineProps) {
  const opinion = useAnswer(() => opinionOf(note, ports), [note, ports.checkpoint.root.toString('hex')]);
  const [, size = ''] = note.split('\n');
  return (
    <li>
      <p>
        <strong>{shown(size)} leaves</strong> <Time at={at} />
      </p>
      <OpinionWords opinion={opinion.value} />
      <button type="button" class="quiet" onClick={onForget}>
        Forget<span class="visually-hidden"> the checkpoint of {shown(size)} leaves</span>
      </button>
    </li>
  );
}
