import type { FlowState } from './flows.ts';
import { FlowBadge } from './badges.tsx';
import { FLOW_WORDS } from './words.ts';

/** What the arrows mean. */
export function FlowLegend() {
  return (
    <details class="flow-legend">
      <summary>What the arrows mean</summary>
      <dl>
        {(Object.keys(FLOW_WORDS) as FlowState[]).map((state) => (
          <div key={state}>
            <dt>
              <FlowBadge state={state} />
            </dt>
            <dd>{FLOW_WORDS[state].means}</dd>
          </div>
        ))}
        <div>
          <dt>a thin arrow</dt>
          <dd>one only comes after the other: nothing goes from it</dd>
        </div>
      </dl>
      <p class="hint">Arrow keys go from task to task along the arrows; Enter opens one below.</p>
    </details>
  );
}
