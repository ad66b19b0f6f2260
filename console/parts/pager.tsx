/** Lists of the API come in pages, newest first; what is older is asked for. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import { type Answer, useAnswer } from './answer.ts';
import { Failure } from './states.tsx';

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** The cursor of what is older; undefined: nothing is. */
  readonly next: string | undefined;
}

export interface Pages<Row, More = unknown> {
  /** Undefined until the first page is there. */
  readonly rows: readonly Row[] | undefined;
  /** With what it says besides its rows. */
  readonly first: Answer<Page<Row> & More>;
  readonly hasOlder: boolean;
  readonly isLoadingOlder: boolean;
  readonly olderProblem: Problem | undefined;
  readonly older: () => void;
}

interface PagesOptions<Row> {
  readonly idOf: (row: Row) => string;
  /** The first page is asked for again as often; pages that are older stay as they are. */
  readonly everyMs?: number;
}

/** `ask` is given the cursor, undefined for the first page. */
export function usePages<Row, More = unknown>(
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Row> & More>,
  inputs: readonly unknown[],
  { idOf, everyMs }: PagesOptions<Row>,
): Pages<Row, More> {
  const first = useAnswer(
    (signal) => ask(undefined, signal),
    inputs,
    everyMs === undefined ? {} : { everyMs },
  );
  const [more, setMore] = useState<Page<Row>>();
  const [isLoadingOlder, setLoading] = useState(false);
  const [olderProblem, setProblem] = useState<Problem>();
  const ending = useRef(new AbortController());
  useEffect(() => {
    ending.current = new AbortController();
    setMore(undefined);
    setProblem(undefined);
    setLoading(false);
    return () => ending.current.abort();
  }, inputs);

  const next = more === undefined ? first.value?.next : more.next;
  const older = useCallback(() => {
    const { signal } = ending.current;
    setLoading(true);
    setProblem(undefined);
    ask(next, signal)
      .then((page) => {
        if (!signal.aborted)
          setMore((before) => ({ ...page, rows: [...(before?.rows ?? []), ...page.rows] }));
      })
      .catch((thrown: unknown) => {
        if (!signal.aborted) setProblem(asProblem(thrown));
      })
      .finally(() => {
        if (!signal.aborted) setLoading(false);
      });
  }, [...inputs, next]);

  const rows = first.value && once([...first.value.rows, ...(more?.rows ?? [])], idOf);
  return { rows, first, hasOlder: next !== undefined, isLoadingOlder, olderProblem, older };
}

/** While pages are looked at, what is newer moves rows into the page after. */
function once<Row>(rows: readonly Row[], idOf: (row: Row) => string): readonly Row[] {
  return [...new Map(rows.toReversed().map((row) => [idOf(row), row])).values()].toReversed();
}

interface OlderProps {
  readonly pages: Omit<Pages<unknown>, 'rows' | 'first'>;
  /** `sessions`. */
  readonly what: string;
}

/** Under the list. */
export function Older({ pages, what }: OlderProps) {
  if (pages.olderProblem !== undefined) return <Failure problem={pages.olderProblem} onRetry={pages.older} />;
  if (!pages.hasOlder) return null;
  return (
    <p class="older">
      <button type="button" onClick={pages.older} disabled={pages.isLoadingOlder}>
        {pages.isLoadingOlder ? 'Loading…' : `Older ${what}`}
      </button>
    </p>
  );
}
