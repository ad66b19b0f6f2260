import { InvalidArgumentError } from 'commander';
import { durationMs } from '#core/access/duration.ts';

const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/i;

/**
 * A day such as 2026-11-23, its beginning in UTC; a time such as 2026-11-23T09:00Z, in UTC where it names no zone; or how long
 * ago, such as 90m or 7d. For commander.
 */
export function readTime(now: () => number): (text: string) => Date {
  return (text) => {
    const ago = durationMs(text);
    const date =
      ago !== undefined ? new Date(now() - ago) : TIME.test(text) ? new Date(inUtc(text)) : undefined;
    if (date !== undefined && isInCalendar(date) && (ago !== undefined || isDay(text))) return date;
    throw new InvalidArgumentError(
      'It must be a time such as 2026-11-23, 2026-11-23T09:00Z, or 7d for seven days ago.',
    );
  };
}

function inUtc(text: string): string {
  const iso = text.replace(' ', 'T').toUpperCase();
  return iso.length === 10 || /(?:Z|[+-]\d{2}:\d{2})$/.test(iso) ? iso : `${iso}Z`;
}

/** RFC 3339 has four digits for a year. */
function isInCalendar(date: Date): boolean {
  return !Number.isNaN(date.getTime()) && /^\d{4}-/.test(date.toISOString());
}

/** JavaScript takes February 30 for March 2. */
function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  return new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) === day;
}
