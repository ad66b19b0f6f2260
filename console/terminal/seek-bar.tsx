import { useComputed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Marker, MarkerKind } from './markers.ts';
import { clockText, spokenText } from './moments.ts';
import type { Playback } from './playback.ts';
import type { Gap, Tape } from './tape.ts';

interface SeekBarProps {
  readonly playback: Playback;
  readonly tape: Tape;
  readonly markers: readonly Marker[];
  readonly until: number;
}

/** Marks nearer to each other than this are one. */
const PLACES = 500;
const WEIGHT: Readonly<Record<MarkerKind, number>> = { error: 4, exit: 3, write: 2, command: 1, resize: 0 };

/** The time of a terminal, with what stands out on it. */
export function SeekBar({ playback, tape, markers, until }: SeekBarProps) {
  const end = Math.max(1, playback.end.value);
  const marks = useMemo(() => placed(markers, end), [markers, end]);
  const idle = playback.idle.value;
  const gaps = useMemo(() => shortened(tape.gaps, idle), [tape, idle, until]);
  return (
    <div class="seek">
      <div class="track" aria-hidden="true">
        {gaps.map(({ from, to }) => (
          <span
            key={from}
            class="gap"
            style={{ left: percent(from, end), width: percent(to - from, end) }}
            title="Nothing was seen: shortened"
          />
        ))}
        <Played playback={playback} end={end} />
        {marks.map(({ at, kind, label }) => (
          <span
            key={`${kind} ${at}`}
            class={`mark ${kind}`}
            style={{ left: percent(at, end) }}
            title={label}
          />
        ))}
      </div>
      <Range playback={playback} end={end} />
    </div>
  );
}

interface PlayedProps {
  readonly playback: Playback;
  readonly end: number;
}

function Played({ playback, end }: PlayedProps) {
  return <span class="played" style={{ width: percent(playback.now.value, end) }} />;
}

function Range({ playback, end }: PlayedProps) {
  const now = playback.now.value;
  const words = useComputed(() => `${spokenText(playback.now.value)} of ${spokenText(playback.end.value)}`);
  return (
    <input
      type="range"
      aria-label="Moment"
      aria-valuetext={words.value}
      title={clockText(now)}
      min={0}
      max={Math.ceil(end)}
      step="any"
      value={now}
      onInput={(event) => playback.seek(Number(event.currentTarget.value))}
    />
  );
}

/** One for each place, the one that matters most. */
function placed(markers: readonly Marker[], end: number): readonly Marker[] {
  const places = new Map<number, Marker>();
  for (const marker of markers) {
    const place = Math.floor((marker.at / end) * PLACES);
    const other = places.get(place);
    if (other === undefined || WEIGHT[marker.kind] > WEIGHT[other.kind]) places.set(place, marker);
  }
  return [...places.values()];
}

/** Those that are not played as long as they were; the longest where there are a great many. */
function shortened(gaps: readonly Gap[], idle: number): readonly Gap[] {
  if (idle === 0) return [];
  return gaps
    .filter(({ from, to }) => to - from > idle * 1e6)
    .toSorted((a, b) => b.to - b.from - (a.to - a.from))
    .slice(0, PLACES);
}

function percent(us: number, end: number): string {
  return `${((Math.min(us, end) / end) * 100).toFixed(3)}%`;
}
