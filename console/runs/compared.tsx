import type { ComponentChildren } from 'preact';
import { shown } from '../parts/text.ts';

interface ComparedProps {
  readonly expected: string;
  /** What the other side is called. */
  readonly came: string;
  readonly children: ComponentChildren;
}

/** What a contract has, beside what came. */
export function Compared({ expected, came, children }: ComparedProps) {
  return (
    <dl class="run-compared">
      <div>
        <dt>The contract has</dt>
        <dd>{shown(expected)}</dd>
      </div>
      <div>
        <dt>{came}</dt>
        <dd>{children}</dd>
      </div>
    </dl>
  );
}
