import { useEffect, useState } from 'preact/hooks';
import { ERROR, WRITE } from './marks.ts';
import { advanced, TICK_MS } from '../terminal/pace.ts';
import { PauseChoice, SpeedChoice } from '../terminal/pace-choices.tsx';
import { findSteps } from './search.ts';
import type { StepStore } from './step-store.ts';
import { timeText } from './words.ts';

const SPEEDS = [0.5, 1, 2, 5, 10, 50] as const;

interface ControlsProps {
  readonly steps: StepStore;
  readonly current: number;
  readonly now: number;
  readonly end: number;
  /** When something happens next after a moment. */
  readonly next: (us: number) => number | undefined;
  readonly onSelect: (number: number) => void;
  readonly onSeek: (us: number) => void;
}

/** Play, pause, step, seek, speed, idle limit, next error and write, search. */
export function Controls({ steps, current, now, end, next, onSelect, onSeek }: ControlsProps) {
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  const [idle, setIdle] = useState<number>(2);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setTimeout(() => {
      if (now >= end) setPlaying(false);
      else onSeek(Math.min(end, advanced(now, { speed, idle, next })));
    }, TICK_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, now, speed, idle]);
  const jump = (mark: number, way: 1 | -1) => (): void => {
    const found = steps.find(mark, current, way);
    if (found !== undefined) onSelect(found);
  };
  return (
    <div class="controls" role="group" aria-label="Playing">
      <button type="button" onClick={() => onSelect(Math.max(1, current - 1))}>
        Previous
      </button>
      <button
        type="button"
        aria-pressed={isPlaying}
        onClick={() => {
          if (!isPlaying && now >= end) onSeek(0);
          setPlaying(!isPlaying);
        }}
      >
        {isPlaying ? 'Pause' : 'Play'}
      </button>
      <button type="button" onClick={() => onSelect(Math.min(steps.count, current + 1))}>
        Next
      </button>
      <button type="button" onClick={jump(ERROR, 1)} disabled={steps.find(ERROR, current, 1) === undefined}>
        Next error
      </button>
      <button type="button" onClick={jump(WRITE, 1)} disabled={steps.find(WRITE, current, 1) === undefined}>
        Next write
      </button>
      <label>
        Step
        <input
          type="number"
          min={1}
          max={steps.count}
          value={current}
          onChange={(event) => {
            const number = Math.trunc(Number(event.currentTarget.value));
            onSelect(Math.min(steps.count, Math.max(1, number || 1)));
          }}
        />
      </label>
      <SpeedChoice speeds={SPEEDS} value={speed} onChoice={setSpeed} />
      <PauseChoice value={idle} onChoice={setIdle} />
      <output>{timeText(now)}</output>
    </div>
  );
}

interface SearchProps {
  readonly steps: StepStore;
  readonly current: number;
  readonly onSelect: (number: number) => void;
}

export function Search({ steps, current, onSelect }: SearchProps) {
  const [text, setText] = useState('');
  const [hits, setHits] = useState<readonly number[] | 'searching'>();
  useEffect(() => {
    setHits(undefined);
    if (text.trim() === '') return undefined;
    let isWanted = true;
    const timer = setTimeout(() => {
      setHits('searching');
      void findSteps(steps, text.trim(), () => isWanted).then((found) => {
        if (!isWanted) return;
        setHits(found);
        if (found.length > 0) onSelect(found.find((number) => number >= current) ?? found[0]!);
      });
    }, 200);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [text, steps]);
  const found = Array.isArray(hits) ? (hits as readonly number[]) : [];
  const go = (number: number | undefined) => (): void => {
    if (number !== undefined) onSelect(number);
  };
  return (
    <div class="search" role="search">
      <label>
        Search <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button
        type="button"
        disabled={found.length === 0}
        onClick={go(found.findLast((number) => number < current))}
      >
        Previous hit
      </button>
      <button
        type="button"
        disabled={found.length === 0}
        onClick={go(found.find((number) => number > current))}
      >
        Next hit
      </button>
      <span role="status">{statusOf(hits)}</span>
    </div>
  );
}

function statusOf(hits: readonly number[] | 'searching' | undefined): string {
  if (hits === undefined) return '';
  return hits === 'searching' ? 'searching …' : `${hits.length} ${hits.length === 1 ? 'step' : 'steps'}`;
}
