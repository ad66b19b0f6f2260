import type { Explanation } from '../api/requests.ts';
import type { Target } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Countdown } from '../parts/countdown.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { connectLines } from './connect-lines.ts';
import { ConnectLines } from './run-now.tsx';

const VERDICTS = {
  allowed: { word: 'You may connect now', tone: 'good' },
  requestable: { word: 'You have to ask', tone: 'warn' },
  denied: { word: 'You may not connect', tone: 'bad' },
} as const;

/** What would come of connecting now, in the gateway's own words. */
export function AsItIs({ target }: { readonly target: Target }) {
  const api = useApi();
  const { name, until } = target;
  const { value, problem, again } = useAnswer<Explanation>(
    (signal) => api.get('/v1/explanation', { action: 'connect', target: name }, signal),
    [name],
  );
  if (problem !== undefined) return <Failure problem={problem} onRetry={again} />;
  if (value === undefined) return <Loading what="how it is now" />;
  const { word, tone } = VERDICTS[value.verdict];
  return (
    <section class="as-it-is" aria-label="As it is now">
      <p>
        <span class={`badge ${tone}`}>{word}</span> {shown(value.because)}
        {until !== undefined && (
          <>
            {' '}
            (<Countdown until={until} over="over" />)
          </>
        )}
      </p>
      {value.verdict === 'allowed' && (
        <>
          <Passes passes={value.passes ?? []} />
          <ConnectLines lines={connectLines(target)} />
        </>
      )}
    </section>
  );
}

function Passes({ passes }: { readonly passes: readonly string[] }) {
  if (passes.length === 0) return null;
  return (
    <ul>
      {passes.map((line) => (
        <li key={line}>{shown(line)}</li>
      ))}
    </ul>
  );
}
