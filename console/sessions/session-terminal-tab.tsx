import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useQuery } from '../parts/query.ts';
import { Failure, Loading } from '../parts/states.tsx';
import type { SessionTerminalProps } from '../terminal/session-terminal.tsx';
import { useSessionsApi } from './context.ts';
import { momentOf } from './place.ts';

type Terminal = FunctionComponent<SessionTerminalProps>;

/** The terminals of a session, where the selected step began; where they stand still is in the address, and leads to its step. */
export function SessionTerminalTab({ session }: { readonly session: Session }) {
  const { query, set } = useQuery();
  const start = useStart(session, query['at'], query['step']);
  const { Terminal, problem, again } = useTerminal();
  if (problem !== undefined) return <Failure problem={problem} onRetry={again} />;
  if (Terminal === undefined || start === undefined) return <Loading what="the terminal" />;
  return (
    <div class="terminal-tab">
      <Terminal
        session={session}
        at={start.at}
        onMoment={(us) => set({ at: String(Math.round(us)), step: undefined }, { replace: true })}
      />
      <p class="hint">
        <a href={`/sessions/${session.id}/terminal`}>The terminal alone</a>, as large as the window
      </p>
    </div>
  );
}

/** Loaded for who looks at one. */
function useTerminal() {
  const [loaded, setLoaded] = useState<{ readonly Terminal?: Terminal; readonly problem?: unknown }>({});
  const [tries, setTries] = useState(0);
  useEffect(() => {
    let isWanted = true;
    import('../terminal/session-terminal.tsx')
      .then((module) => isWanted && setLoaded({ Terminal: module.default }))
      .catch((problem: unknown) => isWanted && setLoaded({ problem }));
    return () => {
      isWanted = false;
    };
  }, [tries]);
  return { ...loaded, again: () => setTries(tries + 1) };
}

/** Where it begins: what is asked for as it is opened counts, not what the address says afterwards. */
function useStart(
  { id }: Session,
  at: string | undefined,
  step: string | undefined,
): { readonly at: number | undefined } | undefined {
  const api = useSessionsApi();
  const [asked] = useState({ at: momentOf(at), step: Number(step) });
  const isStep = asked.at === undefined && Number.isInteger(asked.step) && asked.step > 0;
  const { value, problem } = useAnswer(
    async (signal) => {
      if (!isStep) return { at: asked.at };
      const { steps } = await api.steps(id, { from: asked.step, limit: 1, brief: true }, signal);
      return { at: steps[0]?.at };
    },
    [id],
  );
  return value ?? (problem === undefined ? undefined : { at: undefined });
}
