import { targets } from '../api/requests.ts';
import type { Target } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { useQuery } from '../parts/query.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { AskForm } from './ask-form.tsx';
import { TargetPicker } from './target-picker.tsx';

/** A target is chosen, then what its rules want is asked. */
export default function AskPage() {
  const api = useApi();
  const { value, problem, again } = useAnswer<readonly Target[]>((signal) => targets(api, signal), []);
  return (
    <div class="ask-page">
      <h1>Ask for access</h1>
      {problem !== undefined && <Failure problem={problem} onRetry={again} />}
      {value === undefined && problem === undefined && <Loading what="what you may ask for" />}
      {value !== undefined && <Chosen targets={value} />}
    </div>
  );
}

function Chosen({ targets: all }: { readonly targets: readonly Target[] }) {
  const { query } = useQuery();
  const name = query['target'];
  const target = all.find((one) => one.name === name);
  if (all.length === 0)
    return (
      <Empty title="No target is open to you">
        <p>No rule lets you connect to anything, or ask for it. Whoever runs the gateway can add one.</p>
      </Empty>
    );
  return (
    <div class={`ask-columns ${target === undefined ? 'ask-open' : ''}`}>
      <TargetPicker targets={all} chosen={target} />
      <div class="ask-main">
        {name !== undefined && target === undefined && (
          <Failure problem={new Error(`There is no target ${shown(name)} that you may ask for.`)} />
        )}
        {target === undefined ? (
          <p class="hint ask-choose">
            Choose a target: what its rules want is shown here before anything is sent.
          </p>
        ) : (
          <AskForm key={target.name} target={target} />
        )}
      </div>
    </div>
  );
}
