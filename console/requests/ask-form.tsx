import { useLocation } from 'preact-iso';
import { useRef, useState } from 'preact/hooks';
import { asProblem, type Problem } from '../api/problem.ts';
import { ask, type Terms } from '../api/requests.ts';
import type { Target } from '../api/types.ts';
import { useQuery } from '../parts/query.ts';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { AskFields } from './ask-fields.tsx';
import { bodyOf, type Draft, draftFor, missing, OnceKeys } from './draft.ts';
import { AsItIs } from './explanation.tsx';
import { waysToAsk } from './targets.ts';
import { TermsText } from './terms-text.tsx';

interface AskFormProps {
  readonly target: Target;
}

/** How it is now, by which rule one can ask, what that one wants; then it is sent, once. */
export function AskForm({ target }: AskFormProps) {
  const { query } = useQuery();
  const ways = waysToAsk(target);
  const terms = ways.find(({ rule }) => rule === query['rule']) ?? ways[0];
  return (
    <>
      <h2 class="ask-target">{shown(target.name)}</h2>
      <AsItIs target={target} />
      {terms === undefined ? (
        <p class="hint">There is no rule by which you can ask for this target.</p>
      ) : (
        <>
          {ways.length > 1 && <Ways ways={ways} chosen={terms} />}
          <Ask key={terms.rule} target={target} terms={terms} />
        </>
      )}
    </>
  );
}

interface WaysProps {
  readonly ways: readonly Terms[];
  readonly chosen: Terms;
}

/** In the address: a link can lead to one of them. */
function Ways({ ways, chosen }: WaysProps) {
  const { set } = useQuery();
  return (
    <fieldset class="ask-ways">
      <legend>How</legend>
      {ways.map((terms) => (
        <label key={terms.rule} class={terms.breakGlass ? 'is-glass' : ''}>
          <input
            type="radio"
            name="rule"
            checked={terms === chosen}
            onChange={() => set({ rule: terms.rule }, { replace: true })}
          />
          {terms.breakGlass ? 'Break the glass' : 'Ask reviewers'}{' '}
          <span class="hint">by the rule {shown(terms.rule)}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Ask({ target, terms }: AskFormProps & { readonly terms: Terms }) {
  const { draft, change, problem, isSending, isTold, lacks, send } = useAsk(target, terms);
  const { breakGlass } = terms;
  return (
    <form
      class={`card ask-form ${breakGlass ? 'is-glass' : ''}`}
      aria-label={breakGlass ? 'Break the glass' : 'Ask for access'}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <TermsText terms={terms} />
      <AskFields target={target} terms={terms} draft={draft} change={change} lacks={isTold ? lacks : {}} />
      {problem !== undefined && <Failure problem={problem} />}
      {isTold && Object.keys(lacks).length > 0 && (
        <p class="ask-lacks" role="alert">
          Something is missing: {Object.values(lacks).join(' ')}
        </p>
      )}
      <button type="submit" class={`primary ask-send ${breakGlass ? 'danger' : ''}`} disabled={isSending}>
        {isSending ? 'Sending…' : breakGlass ? 'Break the glass' : 'Ask for access'}
      </button>
    </form>
  );
}

/** One request, however often the button is pressed: one call at a time, and one key for what is asked. */
function useAsk(target: Target, terms: Terms) {
  const api = useApi();
  const { route } = useLocation();
  const given = useGiven();
  const [draft, setDraft] = useState(() => draftFor(terms, given));
  const [problem, setProblem] = useState<Problem>();
  const [isSending, setSending] = useState(false);
  const [isTold, setTold] = useState(false);
  const keys = useRef(new OnceKeys());
  const sending = useRef(false);
  const lacks = missing(draft, terms);

  const send = async (): Promise<void> => {
    if (sending.current) return;
    if (Object.keys(lacks).length > 0) return setTold(true);
    sending.current = true;
    setSending(true);
    setProblem(undefined);
    try {
      const body = bodyOf(target, terms, draft);
      route(`/requests/${(await ask(api, body, keys.current.keyOf(body))).id}`);
    } catch (thrown) {
      setProblem(asProblem(thrown));
    } finally {
      sending.current = false;
      setSending(false);
    }
  };
  const change = (changed: Partial<Draft>): void => setDraft((before) => ({ ...before, ...changed }));
  return { draft, change, problem, isSending, isTold, lacks, send };
}

/** What a link says beforehand: `?target=orders-prod&reason=…&ticket=OPS-1&run=…&task=…&for=3600`. */
function useGiven(): Partial<Draft> {
  const { reason, ticket, run, task, for: seconds } = useQuery().query;
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(ticket === undefined ? {} : { ticket }),
    ...(run === undefined ? {} : { run }),
    ...(task === undefined ? {} : { task }),
    ...(seconds !== undefined && /^\d{1,7}$/.test(seconds) ? { seconds: Number(seconds) } : {}),
  };
}
