import { sizeText } from '../player/words.ts';
import type { Verification } from './use-verification.ts';

interface ProgressProps {
  readonly state: Extract<Verification, { is: 'running' }>;
  readonly onEnd: () => void;
}

/** How far it is; paused or ended by whoever looks. */
export function Progress({ state: { bytes, of, pace }, onEnd }: ProgressProps) {
  const { isPaused } = pace;
  return (
    <section class="card verdict open">
      <h2>{isPaused ? 'Paused' : 'Verifying in this browser…'}</h2>
      <progress aria-label="Evidence that was verified" value={bytes} max={Math.max(of, 1)} />
      <p class="hint">
        {sizeText(bytes)} of {sizeText(of)}, one segment in memory at a time
      </p>
      <div class="actions">
        <button type="button" onClick={() => (isPaused ? pace.resume() : pace.pause())}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button type="button" onClick={onEnd}>
          End
        </button>
      </div>
    </section>
  );
}
