import { useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../../api/problem.ts';
import type { SessionPage } from '../../api/types.ts';
import { Failure } from '../../parts/states.tsx';
import { shown } from '../../parts/text.ts';
import { Time } from '../../parts/time.tsx';
import { useApi } from '../../signin/context.ts';
import { type Audited, auditSession } from './audit-sessions.ts';
import type { LedgerPorts } from './opinion.ts';

const COUNTS = [10, 50, 200] as const;

interface Audit {
  readonly of: number;
  readonly done: readonly Audited[];
  readonly isRunning: boolean;
}

/** The newest sessions that the API lists, each held against the ledger here. */
export function AuditPanel(ports: LedgerPorts) {
  const api = useApi();
  const [count, setCount] = useState<number>(COUNTS[0]);
  const [withStatements, setWithStatements] = useState(false);
  const [audit, setAudit] = useState<Audit>();
  const [problem, setProblem] = useState<Problem>();
  const ending = useRef<AbortController>(undefined);
  const run = async (): Promise<void> => {
    ending.current = new AbortController();
    const { signal } = ending.current;
    setProblem(undefined);
    try {
      const { sessions } = await api.get<SessionPage>('/v1/sessions', { limit: count }, signal);
      const done: Audited[] = [];
      for (const session of sessions) {
        setAudit({ of: sessions.length, done: [...done], isRunning: true });
        done.push(await auditSession(session, { ...ports, api, withStatements, now: Date.now, signal }));
      }
      setAudit({ of: sessions.length, done, isRunning: false });
    } catch (thrown) {
      setAudit((before) => before && { ...before, isRunning: false });
      if (!signal.aborted) setProblem(asProblem(thrown));
    }
  };
  return (
    <section class="card" aria-labelledby="audit">
      <h2 id="audit">Audit the newest sessions</h2>
      <p>
        For each session that the API lists: its opening is in the ledger, its end is there or it is live, and
        both are proved to be under a checkpoint of this very ledger.
      </p>
      <form
        class="audit"
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label>
          How many
          <select value={count} onChange={(event) => setCount(Number(event.currentTarget.value))}>
            {COUNTS.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <label class="choice">
          <input
            type="checkbox"
            checked={withStatements}
            onChange={(event) => setWithStatements(event.currentTarget.checked)}
          />
          Hold their statements against the leaves as well: each is a look at the session, and is entered in
          the ledger
        </label>
        {audit?.isRunning === true ? (
          <button type="button" onClick={() => ending.current?.abort()}>
            End
          </button>
        ) : (
          <button type="submit">Audit</button>
        )}
      </form>
      {problem !== undefined && <Failure problem={problem} onRetry={() => void run()} />}
      {audit !== undefined && <AuditResult audit={audit} />}
      <p class="hint">
        The store itself, everything beside what the API lists, and the recordings’ bytes are what{' '}
        <code>custody audit</code> walks, at the store and without the gateway. Its findings have the same
        names.
      </p>
    </section>
  );
}

function AuditResult({ audit: { of, done, isRunning } }: { readonly audit: Audit }) {
  const notWhole = done.filter(({ state }) => state === 'wrong' || state === 'unknown');
  const many = (state: Audited['state']): number => done.filter((one) => one.state === state).length;
  return (
    <div>
      {isRunning && (
        <progress aria-label="Sessions that were audited" value={done.length} max={Math.max(of, 1)} />
      )}
      <p role="status">
        <span class={`badge ${many('wrong') > 0 ? 'bad' : isRunning ? 'accent' : 'good'}`}>
          {isRunning ? `${done.length} of ${of}` : many('wrong') > 0 ? 'findings' : 'nothing found'}
        </span>{' '}
        {done.length} audited: {many('whole')} whole, {many('live')} live, {many('young')} too young,{' '}
        {many('wrong')} with findings, {many('unknown')} that could not be looked at
      </p>
      <ul class="audited">
        {notWhole.map((one) => (
          <AuditedLine key={one.session.id} audited={one} />
        ))}
      </ul>
    </div>
  );
}

function AuditedLine({ audited: { session, findings, why } }: { readonly audited: Audited }) {
  return (
    <li>
      <p>
        <a href={`/sessions/${session.id}`}>{shown(session.target)}</a> <Time at={session.startedAt} />
      </p>
      {findings.map(({ code, message }) => (
        <p key={code}>
          <code class="finding">{code}</code> {shown(message)}
        </p>
      ))}
      {why !== undefined && <p class="hint">{shown(why)}</p>}
    </li>
  );
}
