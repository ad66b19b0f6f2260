/** Times among steps as people say them: `12.5`, `90%`, `-10%`, `2026-11-23T09:00:12Z`. */
const TIME_PLACE = /^(?:-?\d{1,9}(?:\.\d{1,9})?%?|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?Z)$/;

export function isTimePlace(text: string): boolean {
  return TIME_PLACE.test(text) && (!text.endsWith('Z') || !Number.isNaN(Date.parse(text)));
}

/** Of a session, from its start to the latest of its steps. */
export interface Span {
  /** RFC 3339. */
  readonly startedAt: string;
  /** Microseconds. */
  readonly until: number;
}

/** Microseconds since the session's start; below zero it is counted from the end. `text` is one. */
export function timePlace(text: string, { startedAt, until }: Span): number {
  if (text.endsWith('Z')) return (Date.parse(text) - Date.parse(startedAt)) * 1000;
  const isShare = text.endsWith('%');
  const number = Number(isShare ? text.slice(0, -1) : text);
  const at = isShare ? (number / 100) * until : number * 1e6;
  return text.startsWith('-') ? until + at : at;
}
