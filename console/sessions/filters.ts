/** What a list of sessions is filtered by, as the address has it. */

export interface Filters {
  readonly person?: string;
  readonly target?: string;
  readonly since?: string;
  readonly until?: string;
  readonly state?: 'open' | 'waiting';
  readonly run?: string;
}

const NAMES = ['person', 'target', 'since', 'until', 'run'] as const;

export function filtersOf(query: Readonly<Record<string, string>>): Filters {
  const given = NAMES.filter((name) => (query[name] ?? '').trim() !== '').map((name) => [
    name,
    query[name]!.trim(),
  ]);
  const { state } = query;
  return { ...Object.fromEntries(given), ...(state === 'open' || state === 'waiting' ? { state } : {}) };
}

/** A day or a time of the viewer's, as an address and the API have it. What is no time stays: the API says what is wrong with it. */
export function timeOf(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const at = new Date(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00` : text);
  return Number.isNaN(at.getTime()) ? text : at.toISOString();
}

/** As the browser's own field for a time has it: `2026-11-29T21:04`, in the viewer's zone. */
export function localText(time: string | undefined): string | undefined {
  if (time === undefined) return undefined;
  const at = new Date(time);
  if (Number.isNaN(at.getTime())) return undefined;
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
