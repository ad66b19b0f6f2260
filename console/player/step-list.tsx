import { useEffect, useRef, useState } from 'preact/hooks';
import { ERROR, WRITE } from './marks.ts';
import type { StepStore, StoredStep } from './step-store.ts';
import { timeText } from './words.ts';

const ROW = 26;
const VISIBLE = 18;
/** Browsers draw no element that is higher. */
const HEIGHT_MAX = 16_000_000;

interface StepListProps {
  readonly steps: StepStore;
  readonly current: number;
  readonly onSelect: (number: number) => void;
}

/** All steps, of which those that are in sight are in the page. */
export function StepList({ steps, current, onSelect }: StepListProps) {
  const box = useRef<HTMLDivElement>(null);
  const [first, setFirst] = useState(1);
  const [shown, setShown] = useState<readonly StoredStep[]>([]);
  const last = Math.min(steps.count, first + VISIBLE);
  const lastFirst = Math.max(1, steps.count - VISIBLE + 1);
  const height = Math.min(HEIGHT_MAX, steps.count * ROW);
  const room = Math.max(1, height - VISIBLE * ROW);

  useEffect(() => {
    let isWanted = true;
    void steps.steps(first, last).then((found) => isWanted && setShown(found));
    return () => {
      isWanted = false;
    };
  }, [steps, first, last]);

  useEffect(() => {
    if (current >= first && current < first + VISIBLE - 1) return;
    const wanted = Math.min(lastFirst, Math.max(1, current - Math.floor(VISIBLE / 2)));
    setFirst(wanted);
    if (box.current) box.current.scrollTop = ((wanted - 1) / Math.max(1, lastFirst - 1)) * room;
  }, [current, steps]);

  const scrolled = (): void => {
    const ratio = Math.min(1, box.current!.scrollTop / room);
    setFirst(1 + Math.round(ratio * (lastFirst - 1)));
  };
  const pressed = (event: KeyboardEvent): void => {
    const wanted = keyed(event.key, current, steps.count);
    if (wanted === undefined) return;
    event.preventDefault();
    onSelect(wanted);
  };
  const top = box.current?.scrollTop ?? 0;
  return (
    <div
      ref={box}
      class="steps"
      role="listbox"
      aria-label="Steps"
      tabIndex={0}
      aria-activedescendant={current >= first && current <= last ? `step-${current}` : undefined}
      onScroll={scrolled}
      onKeyDown={pressed}
    >
      <div role="presentation" class="all" style={{ height: `${height}px` }}>
        <div role="presentation" class="window" style={{ top: `${Math.min(top, room)}px` }}>
          {shown.map((step) => (
            <StepRow
              key={step.number}
              step={step}
              steps={steps}
              isCurrent={step.number === current}
              onSelect={onSelect}
            />
          ))}
        </div>
      </div>
    </div>
  );
}

function keyed(key: string, current: number, count: number): number | undefined {
  const moves: Readonly<Record<string, number>> = {
    ArrowDown: current + 1,
    ArrowUp: current - 1,
    PageDown: current + VISIBLE,
    PageUp: current - VISIBLE,
    Home: 1,
    End: count,
  };
  const wanted = Object.hasOwn(moves, key) ? moves[key] : undefined;
  return wanted === undefined ? undefined : Math.min(count, Math.max(1, wanted));
}

interface StepRowProps {
  readonly step: StoredStep;
  readonly steps: StepStore;
  readonly isCurrent: boolean;
  readonly onSelect: (number: number) => void;
}

function StepRow({ step: { number, head }, steps, isCurrent, onSelect }: StepRowProps) {
  const marks = steps.marks(number);
  const isError = (marks & ERROR) !== 0;
  const isWrite = (marks & WRITE) !== 0;
  return (
    <div
      id={`step-${number}`}
      role="option"
      class={`step${isError ? ' error' : ''}${isWrite ? ' write' : ''}`}
      aria-selected={isCurrent}
      aria-posinset={number}
      aria-setsize={steps.count}
      onClick={() => onSelect(number)}
    >
      <span class="number">{number}</span>
      <span class="time">{timeText(steps.at(number))}</span>
      <span class="mark">{isError ? 'error' : isWrite ? 'write' : ''}</span>
      <span class="head">{head}</span>
    </div>
  );
}
