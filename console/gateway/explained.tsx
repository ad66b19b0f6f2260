import type { Explanation } from '../api/gateway.ts';
import { queryText } from '../api/client.ts';
import { sentence, shown } from '../parts/text.ts';
import { Told } from '../parts/told.tsx';
import type { Asked } from './question.ts';

const VERDICTS = {
  allowed: { badge: 'good', words: 'Allowed' },
  requestable: { badge: 'warn', words: 'Can be asked for' },
  denied: { badge: 'bad', words: 'Denied' },
} as const;

interface ExplainedProps {
  readonly answer: Explanation;
  readonly asked: Asked;
}

/** The decision in a sentence, what to do next, and rule by rule what led to it. */
export function Explained({ answer, asked }: ExplainedProps) {
  const { badge, words } = VERDICTS[answer.verdict];
  const { rules, who, passes = [] } = answer;
  return (
    <>
      <section class={`card explained ${badge}`} aria-labelledby="verdict">
        <h2 id="verdict">
          <span class={`badge ${badge}`}>{words}</span> {questionText(answer)}
        </h2>
        {who !== undefined && <Whom who={who} />}
        <p>
          <Told text={sentence(answer.because)} />
        </p>
        {passes.length > 0 && (
          <ul>
            {passes.map((line) => (
              <li key={line}>{shown(line)}</li>
            ))}
          </ul>
        )}
        <Next answer={answer} isOwn={asked.as === undefined} />
      </section>
      {rules !== undefined && <Rules rules={rules} />}
    </>
  );
}

function questionText({ action, target }: Explanation): string {
  return action === 'administer' ? 'administer the gateway' : `${action} ${shown(target)}`;
}

function Whom({ who }: { readonly who: NonNullable<Explanation['who']> }) {
  const { email, subject, issuer, groups } = who;
  return (
    <p class="hint">
      {shown(email ?? subject)} of {shown(issuer)},{' '}
      {groups.length === 0 ? 'in no group' : `in ${groups.map(shown).join(', ')}`}
    </p>
  );
}

function Next({ answer, isOwn }: { readonly answer: Explanation; readonly isOwn: boolean }) {
  const { verdict, target, hint } = answer;
  return (
    <>
      {verdict === 'requestable' && isOwn && (
        <p>
          <a class="button primary" href={`/ask${queryText({ target })}`}>
            Ask for access
          </a>
        </p>
      )}
      {hint !== undefined && <p class="hint">What to do: {shown(hint)}</p>}
    </>
  );
}

type Rule = NonNullable<Explanation['rules']>[number];

/** What has its effect first, then what is closest to it; rules for something else stay folded. */
function Rules({ rules }: { readonly rules: readonly Rule[] }) {
  const sorted = rules.toSorted(
    (a, b) => Number(b.applies) - Number(a.applies) || a.because.length - b.because.length,
  );
  const [others, near] = [sorted.filter(isForOthers), sorted.filter((rule) => !isForOthers(rule))];
  return (
    <section class="explained-rules">
      <h2>Rule by rule</h2>
      <RuleLines rules={near} />
      {near.length === 0 && <p>No rule is for this action at this target.</p>}
      {others.length > 0 && (
        <details class="explain-more">
          <summary>{others.length} for other actions or targets</summary>
          <RuleLines rules={others} />
        </details>
      )}
    </section>
  );
}

/** In the explanation's own words: of an action or a target. */
function isForOthers({ because }: Rule): boolean {
  return because.some((words) => words.startsWith('it is not for '));
}

function RuleLines({ rules }: { readonly rules: readonly Rule[] }) {
  return (
    <ul>
      {rules.map((rule) => (
        <RuleLine key={rule.rule} rule={rule} />
      ))}
    </ul>
  );
}

function RuleLine({ rule: { rule, effect, applies, because } }: { readonly rule: Rule }) {
  const tone = applies ? (effect === 'allow' ? 'good' : 'bad') : '';
  return (
    <li class="card">
      <h3>
        {shown(rule)}{' '}
        <span class={`badge ${tone}`}>
          {applies ? (effect === 'allow' ? 'allows it' : 'denies it') : `would ${effect}`}
        </span>
      </h3>
      {because.length > 0 && (
        <ul class="in-the-way">
          {because.map((words) => (
            <li key={words}>{shown(sentence(words))}</li>
          ))}
        </ul>
      )}
    </li>
  );
}
