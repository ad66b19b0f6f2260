/** Times in the viewer's zone, with UTC beside. */
import { durationText } from './duration.ts';

const LOCAL = new Intl.DateTimeFormat(undefined, {
  year: 'numeric',
  month: 'short',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

interface TimeProps {
  /** ISO 8601, in UTC, as the API has it. */
  readonly at: string;
}

/** In full: `29 Nov 2026, 21:04:11 CET` and under it UTC. */
export function Time({ at }: TimeProps) {
  return (
    <time dateTime={at} class="time">
      {LOCAL.format(new Date(at))} <span class="utc">{utcText(at)}</span>
    </time>
  );
}

/** `3 min ago`, `in 2 h`; in full when pointed at. */
export function Ago({ at, now }: TimeProps & { readonly now: number }) {
  const ms = now - Date.parse(at);
  const text = Math.abs(ms) < 1_000 ? 'now' : ms > 0 ? `${durationText(ms)} ago` : `in ${durationText(-ms)}`;
  return (
    <time dateTime={at} title={`${LOCAL.format(new Date(at))} · ${utcText(at)}`}>
      {text}
    </time>
  );
}

/** `2026-11-29 20:04:11 UTC`. */
export function utcText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}
