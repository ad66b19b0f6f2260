import type { Explanation } from '../api/requests.ts';
import type { Target } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Countdown } from '../parts/countdown.tsx';
import { Failure, Loading } from '../parts/states.tsx';
import { sentence, shown } from '../parts/text.ts';
import { Told } from '../parts/told.tsx';
import { useApi } from '../signin/context.ts';
import { connectLines } from './connect-lines.ts';
import { ConnectLines } from './run-now.tsx';

const NOW = {
  standing: { word: 'You may connect now', tone: 'good' },
  granted: { word: 'You may connect now', tone: 'good' },
  requestable: { word: 'You have to ask', tone: 'warn' },
  task: { word: 'Only as a task of a run', tone: 'warn' },
} as const satisfies Record<Target['access'], { readonly word: string; readonly tone: string }>;

/**
 * What would come of connecting now, in the gateway's own words: they may be about what is possible in another way, as a task
 * or with a device.
 */
export function AsItIs({ target }: { readonly target: Target }) {
  const api = useApi();
  const { name, until, access } = target;
  const { value, problem, again } = useAnswer<Explanation>(
    (signal) => api.get('/v1/explanation', { action: 'connect', target: name }, signal),
    [name],
  );
  if (problem !== undefined) return <Failure problem={problem} onRetry={again} />;
  if (value === undefined) return <Loading what="how it is now" />;
  const { word, tone } = NOW[access];
  return (
    <section class="as-it-is" aria-label="As it is now">
      <p>
        <span class={`badge ${tone}`}>{word}</span> <Told text={sentence(value.because)} />
        {until !== undefined && (
          <>
            {' '}
            (<Countdown until={until} over="over" />)
          </>
        )}
      </p>
      {(access === 'standing' || access === 'granted') && (
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
