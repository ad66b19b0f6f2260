/** What a page shows is an answer of the API, which comes, fails, is asked for again, or is looked at every few seconds. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';

export interface Answer<Value> {
  /** The last good one, which stays while it is asked for again. */
  readonly value: Value | undefined;
  readonly problem: Problem | undefined;
  readonly isLoading: boolean;
  readonly again: () => void;
  /** Puts a newer one in its place, as a write answered it. */
  readonly set: (value: Value) => void;
}

interface AnswerOptions {
  /** Asked for again as often, milliseconds, while the page is looked at. */
  readonly everyMs?: number;
}

/** `ask` is called when the page opens and whenever one of `inputs` changes; `signal` ends what nobody waits for any more. */
export function useAnswer<Value>(
  ask: (signal: AbortSignal) => Promise<Value>,
  inputs: readonly unknown[],
  { everyMs }: AnswerOptions = {},
): Answer<Value> {
  const [value, setValue] = useState<Value>();
  const [problem, setProblem] = useState<Problem>();
  const [isLoading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const known = useRef(inputs);
  const again = useCallback(() => setRound((before) => before + 1), []);

  useEffect(() => {
    const ending = new AbortController();
    const isOther = known.current.some((one, at) => one !== inputs[at]);
    known.current = inputs;
    if (isOther) setValue(undefined);
    setLoading(true);
    ask(ending.signal)
      .then((found) => {
        if (ending.signal.aborted) return;
        setValue(() => found);
        setProblem(undefined);
        setLoading(false);
      })
      .catch((thrown: unknown) => {
        if (ending.signal.aborted) return;
        setProblem(asProblem(thrown));
        setLoading(false);
      });
    return () => ending.abort();
  }, [...inputs, round]);

  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const look = (): void => {
      if (document.visibilityState === 'visible') again();
    };
    const timer = setInterval(look, everyMs);
    document.addEventListener('visibilitychange', look);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', look);
    };
  }, [everyMs, again]);

  const set = useCallback((newer: Value) => setValue(() => newer), []);
  return { value, problem, isLoading, again, set };
}
