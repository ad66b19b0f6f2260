import { useEffect, useState } from 'preact/hooks';
import type { ReplayReader } from '#core/replay/reader.ts';
import type { Tape } from '../terminal/tape.ts';
import { Controls, Search } from './controls.tsx';
import { StepDetail } from './step-detail.tsx';
import { StepList } from './step-list.tsx';
import type { StepStore } from './step-store.ts';
import { TerminalView } from './terminal.tsx';
import { Timeline } from './timeline.tsx';

interface PlayerProps {
  readonly steps: StepStore;
  readonly reader: ReplayReader;
  readonly tape: Tape | undefined;
  /** Microseconds. */
  readonly end: number;
}

/** Steps of a session: over time, as a list, one by one. */
export function Player({ steps, reader, tape, end }: PlayerProps) {
  const [now, setNow] = useState(0);
  const [current, setCurrent] = useState(1);
  useEffect(() => {
    setNow(0);
    setCurrent(1);
  }, [steps]);
  const select = (number: number): void => {
    setCurrent(number);
    setNow(steps.at(number));
  };
  const seek = (us: number): void => {
    setNow(us);
    setCurrent(steps.byTime(us));
  };
  const next = (us: number): number | undefined => {
    const number = steps.byTime(us) + 1;
    const step = number > steps.count ? undefined : steps.at(number);
    // Where nothing is to be left out, the next is near enough.
    const output = tape === undefined ? undefined : (tape.gapAt(us)?.to ?? us);
    if (step === undefined || output === undefined) return step ?? output;
    return Math.min(step, output);
  };
  if (steps.count === 0) return <p>No step can be shown.</p>;
  return (
    <>
      <Timeline steps={steps} end={end} now={now} onSeek={seek} />
      <Controls
        steps={steps}
        current={current}
        now={now}
        end={end}
        next={next}
        onSelect={select}
        onSeek={seek}
      />
      <Search steps={steps} current={current} onSelect={select} />
      <div class="columns">
        <StepList steps={steps} current={current} onSelect={select} />
        <div>
          {tape !== undefined && <TerminalView tape={tape} now={now} />}
          <StepDetail steps={steps} current={current} reader={reader} />
        </div>
      </div>
    </>
  );
}
