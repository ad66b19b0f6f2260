import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useQuery } from '../parts/query.ts';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { AllSteps } from './all-steps.ts';
import { useSessionsApi } from './context.ts';
import { Density } from './density.tsx';
import { FilteredSteps } from './filtered-steps.ts';
import { momentOf, secondsText } from './place.ts';
import { SessionParts } from './session-parts.tsx';
import { StepDetail } from './step-detail.tsx';
import { StepList } from './step-list.tsx';
import { StepToolbar } from './step-toolbar.tsx';
import type { StepSource } from './step-source.ts';
import { Summary } from './summary.tsx';
import { useStepKeys } from './use-step-keys.ts';
import { verdictWord } from './words.ts';

/** A session that is over: its steps, all of them or some, and one in detail. */
export function SealedSession({ session }: { readonly session: Session }) {
  const api = useSessionsApi();
  const first = useAnswer((signal) => api.steps(session.id, { limit: 1, brief: true }, signal), [session.id]);
  if (first.problem !== undefined && first.value === undefined)
    return <Failure problem={first.problem} onRetry={first.again} />;
  if (first.value === undefined) return <Loading what="what was done" />;
  const { total, verdict, findings, completeness } = first.value;
  return (
    <>
      <Evidence verdict={verdict} findings={findings} completeness={completeness} session={session.id} />
      <Summary session={session.id} />
      <SessionParts session={session}>
        <Steps session={session} total={total} />
      </SessionParts>
    </>
  );
}

interface EvidenceProps {
  readonly session: string;
  readonly verdict: string;
  readonly findings: readonly { readonly code: string; readonly object: string; readonly message: string }[];
  readonly completeness: string | undefined;
}

/** What the gateway says of the evidence; whoever wants to know for themselves verifies it here. */
function Evidence({ session, verdict, findings, completeness }: EvidenceProps) {
  const { word, tone, meaning } = verdictWord(verdict);
  return (
    <div class={`evidence ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      <p>
        <span class={`badge ${tone}`}>{word}</span> {meaning} The gateway says so:{' '}
        <a href={`/sessions/${session}/proof`}>verify it yourself</a>.
      </p>
      {completeness !== undefined && <p class="hint">{shown(completeness)}</p>}
      {findings.length > 0 && (
        <ul>
          {findings.map(({ code, object, message }, at) => (
            <li key={at}>
              <code>{shown(code)}</code> {shown(object)}: {shown(message)}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

interface Total {
  readonly steps: number;
  readonly errors: number;
  readonly writes: number;
  readonly until: number;
}

function Steps({ session, total }: { readonly session: Session; readonly total: Total }) {
  const { query, set } = useQuery();
  const show = query['show'] ?? 'all';
  const source = useSource(session.id, total.steps, show, query['kind']);
  const selected = stepOf(query['step'], total.steps);
  const detail = useRef<HTMLDivElement>(null);
  const select = (number: number): void =>
    set({ step: String(number), found: undefined, at: undefined }, { replace: true });
  useStepKeys({ session: session.id, selected, steps: total.steps, source, onSelect: select });
  const seek = useSeek(session.id, select);
  useMoment(session.id, momentOf(query['at']), select);
  return (
    <section class="steps" aria-label="What was done">
      <StepToolbar total={total} show={show} kind={query['kind']} onSeek={seek} />
      <Outlined session={session.id} selected={selected} source={source} onSeek={seek} />
      <div class="steps-and-detail">
        <StepList source={source} selected={selected} onSelect={select} />
        <div class="detail-box" ref={detail}>
          <StepDetail session={session} number={selected} bySearch={query['found'] !== undefined} />
        </div>
      </div>
    </section>
  );
}

function stepOf(text: string | undefined, steps: number): number {
  const number = Number(text);
  return Number.isInteger(number) && number >= 1 ? Math.min(number, Math.max(1, steps)) : 1;
}

function useSource(session: string, steps: number, show: string, kind: string | undefined): StepSource {
  const api = useSessionsApi();
  const source = useMemo(() => {
    const filter: Record<string, string> = {
      ...(show === 'errors' ? { errors: 'true' } : {}),
      ...(show === 'writes' ? { writes: 'true' } : {}),
      ...(kind === undefined || kind === '' ? {} : { kind }),
    };
    return Object.keys(filter).length === 0
      ? new AllSteps(api, session, steps)
      : new FilteredSteps(api, session, filter);
  }, [api, session, steps, show, kind]);
  useEffect(() => () => source.stop(), [source]);
  return source;
}

/** To the first step of a time, microseconds or as the API reads a time (`90%`). */
function useSeek(session: string, select: (number: number) => void): (at: string) => void {
  const api = useSessionsApi();
  return (at) => {
    api
      .steps(session, { at, limit: 1, brief: true })
      .then(({ steps: [step], total }) => select(step?.number ?? total.steps))
      // What is no time, the field itself says.
      .catch(() => undefined);
  };
}

/** From a moment of the terminal: what was being done then, the last step that had begun. */
function useMoment(session: string, us: number | undefined, select: (number: number) => void): void {
  const api = useSessionsApi();
  useEffect(() => {
    if (us === undefined) return undefined;
    const ending = new AbortController();
    const query = { at: secondsText(us + 1), direction: 'previous', limit: 1, brief: true };
    api
      .steps(session, query, ending.signal)
      .then(({ steps: [step] }) => select(step?.number ?? 1))
      // The steps are there all the same, from the first.
      .catch(() => undefined);
    return () => ending.abort();
  }, [api, session, us]);
}

interface OutlinedProps {
  readonly session: string;
  readonly selected: number;
  readonly source: StepSource;
  readonly onSeek: (at: string) => void;
}

function Outlined({ session, selected, source, onSeek }: OutlinedProps) {
  const api = useSessionsApi();
  const { value } = useAnswer((signal) => api.outline(session, signal), [session]);
  void source.version.value;
  if (value === undefined || value.pieces.length === 0) return <div class="density" />;
  const place = source.placeOf(selected);
  const known = place === undefined ? undefined : source.at(place);
  const piece = value.pieces.findLast(({ first }) => first <= selected);
  return (
    <Density outline={value} at={known?.at ?? piece?.from ?? 0} onSeek={(us) => onSeek(secondsText(us))} />
  );
}
