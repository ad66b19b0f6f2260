import { durationText } from './duration.ts';
import { useNow } from './now.ts';
import { utcText } from './time.tsx';

interface CountdownProps {
  /** ISO 8601. */
  readonly until: string;
  /** After the time: `left`. */
  readonly word?: string;
  /** Once there is no time left. */
  readonly over: string;
}

/** `59 min 12 s left`, second by second; the last minutes are warm. It is not read out by itself: that would be every second. */
export function Countdown({ until, word = 'left', over }: CountdownProps) {
  const ms = Date.parse(until) - useNow();
  const tone = ms <= 0 ? 'over' : ms < SOON_MS ? 'soon' : '';
  return (
    <span class={`countdown ${tone}`} role="timer" aria-live="off" title={utcText(until)}>
      {ms <= 0 ? over : `${durationText(Math.max(ms, 1_000))} ${word}`}
    </span>
  );
}

const SOON_MS = 300_000;
