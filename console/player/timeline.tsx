import { useEffect, useRef } from 'preact/hooks';
import { ERROR, WRITE } from './marks.ts';
import type { StepStore } from './step-store.ts';
import { timeText } from './words.ts';

const [WIDTH, HEIGHT] = [1000, 72];

interface TimelineProps {
  readonly steps: StepStore;
  readonly end: number;
  readonly now: number;
  readonly onSeek: (us: number) => void;
}

/** Steps over time: how many, which of them failed or wrote. */
export function Timeline({ steps, end, now, onSeek }: TimelineProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => draw(canvas.current!, steps, end), [steps, end]);
  const seek = (event: MouseEvent): void => {
    const box = canvas.current!.getBoundingClientRect();
    onSeek(((event.clientX - box.left) / box.width) * end);
  };
  const counts = countMarks(steps);
  const errors = counted(counts.errors, 'error');
  const writes = counted(counts.writes, 'write');
  return (
    <div class="timeline">
      <canvas
        ref={canvas}
        width={WIDTH}
        height={HEIGHT}
        role="img"
        aria-label={`${counted(steps.count, 'step')} in ${timeText(end)}, ${errors}, ${writes}`}
        onClick={seek}
      />
      <input
        type="range"
        aria-label="Time"
        aria-valuetext={timeText(now)}
        min={0}
        max={Math.max(1, Math.ceil(end))}
        value={now}
        onInput={(event) => onSeek(Number(event.currentTarget.value))}
      />
      <p class="legend">
        {counted(steps.count, 'step')}, <span class="error">{errors}</span>,{' '}
        <span class="write">{writes}</span>
      </p>
    </div>
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function countMarks(steps: StepStore): { readonly errors: number; readonly writes: number } {
  let [errors, writes] = [0, 0];
  for (let number = 1; number <= steps.count; number += 1) {
    if (steps.marks(number) & ERROR) errors += 1;
    if (steps.marks(number) & WRITE) writes += 1;
  }
  return { errors, writes };
}

function draw(canvas: HTMLCanvasElement, steps: StepStore, end: number): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const columns = Array.from({ length: WIDTH / 2 }, () => ({ all: 0, errors: 0, writes: 0 }));
  for (let number = 1; number <= steps.count; number += 1) {
    const at = Math.min(
      columns.length - 1,
      Math.floor((steps.at(number) / Math.max(1, end)) * columns.length),
    );
    const column = columns[at]!;
    column.all += 1;
    if (steps.marks(number) & ERROR) column.errors += 1;
    if (steps.marks(number) & WRITE) column.writes += 1;
  }
  const most = columns.reduce((most, { all }) => Math.max(most, all), 1);
  // Few among many are seen as well.
  const height = (count: number): number => (Math.log1p(count) / Math.log1p(most)) * (HEIGHT - 4);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  for (const [at, { all, errors, writes }] of columns.entries())
    for (const [count, color] of [
      [all, '#8fa3b8'],
      [writes, '#1f5fbf'],
      [errors, '#c0261c'],
    ] as const) {
      context.fillStyle = color;
      context.fillRect(2 * at, HEIGHT - height(count), 2, height(count));
    }
}
