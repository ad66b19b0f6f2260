import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import { shown } from '../../parts/text.ts';
import { Time } from '../../parts/time.tsx';
import { saveFile } from '../save-file.ts';
import type { KeptStore } from './kept.ts';

interface CheckpointCardProps {
  readonly checkpoint: Checkpoint;
  /** Signed by whom the person pinned. */
  readonly isPinned: boolean;
  /** When it was fetched: a checkpoint itself has no time. */
  readonly at: string;
  readonly note: string;
  readonly store: KeptStore;
  readonly onLookAgain: () => void;
}

/** The newest checkpoint: how long the ledger is, and the one hash that stands for all of it. */
export function CheckpointCard({ checkpoint, isPinned, at, note, store, onLookAgain }: CheckpointCardProps) {
  const isKept = store.kept.value.some((kept) => kept.note === note);
  const { origin, size, root } = checkpoint;
  return (
    <section class="card checkpoint half" aria-labelledby="newest">
      <h2 id="newest">The newest checkpoint</h2>
      <p class="size">
        {size.toLocaleString('en')} <span>{size === 1 ? 'leaf' : 'leaves'}</span>
      </p>
      <p>
        {isPinned ? (
          <span class="badge good">signed by the key that you pinned</span>
        ) : (
          <span class="badge warn wrap">signed by the gateway’s own key: compare it below</span>
        )}
      </p>
      <dl class="facts">
        <dt>Ledger</dt>
        <dd class="mono">{shown(origin)}</dd>
        <dt>Root</dt>
        <dd class="mono">{root.toString('base64')}</dd>
        <dt>Fetched</dt>
        <dd>
          <Time at={at} />
        </dd>
      </dl>
      <div class="actions">
        <button type="button" class="primary" disabled={isKept} onClick={() => store.keep({ note, at })}>
          {isKept ? 'Kept in this browser' : 'Keep this checkpoint'}
        </button>
        <button
          type="button"
          onClick={() => saveFile(new Blob([note], { type: 'text/plain' }), `checkpoint-${size}.txt`)}
        >
          Save as a file
        </button>
        <button type="button" onClick={onLookAgain}>
          Look again
        </button>
      </div>
      <p class="hint">
        Whoever kept a checkpoint sees whether the past was rewritten since. Keep one elsewhere, too: on paper
        it is this root and this size.
      </p>
    </section>
  );
}
