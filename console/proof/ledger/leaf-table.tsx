import { useState } from 'preact/hooks';
import type { Answer } from '../../parts/answer.ts';
import { Failure, Loading } from '../../parts/states.tsx';
import { shown } from '../../parts/text.ts';
import { Time } from '../../parts/time.tsx';
import { KIND_WORDS, leafAbout, leafLink, leafWho } from './leaf-words.ts';
import type { RecentLeaf } from './recent-leaves.ts';

const SHOWN_AT_FIRST = 20;

interface LeafTableProps {
  readonly recent: Answer<readonly RecentLeaf[]>;
  readonly size: number;
}

/** The newest leaves. They name people: whoever may not see them is told so. */
export function LeafTable({ recent: { value, problem, again }, size }: LeafTableProps) {
  return (
    <section class="card" aria-labelledby="leaves">
      <h2 id="leaves">The newest leaves</h2>
      {problem?.code === 'access-denied' && (
        <p>
          What the leaves say names people, and is for who may replay every session. The checkpoint is for
          everybody: keep it, and compare it.
        </p>
      )}
      {problem !== undefined && problem.code !== 'access-denied' && (
        <Failure problem={problem} onRetry={again} />
      )}
      {value === undefined && problem === undefined && <Loading what="the leaves" />}
      {value !== undefined && <Leaves leaves={value} size={size} />}
    </section>
  );
}

function Leaves({ leaves, size }: { readonly leaves: readonly RecentLeaf[]; readonly size: number }) {
  const [isAll, setAll] = useState(false);
  const altered = leaves.filter(({ isProved }) => !isProved).length;
  const seen = isAll ? leaves : leaves.slice(0, SHOWN_AT_FIRST);
  return (
    <>
      {altered > 0 ? (
        <p role="alert" class="loud">
          {altered} of these are not under the checkpoint: what the gateway shows is not what was entered.
        </p>
      ) : (
        <p class="hint">
          All {leaves.length} of these, of {size}, are proved to be under the checkpoint.
        </p>
      )}
      <div class="scroll-x" role="region" aria-label="Table of leaves" tabIndex={0}>
        <table class="leaves">
          <thead>
            <tr>
              <th scope="col">No.</th>
              <th scope="col">What</th>
              <th scope="col">Who</th>
              <th scope="col">About</th>
              <th scope="col">When</th>
            </tr>
          </thead>
          <tbody>
            {seen.map((one) => (
              <LeafRow key={one.index} recent={one} />
            ))}
          </tbody>
        </table>
      </div>
      {leaves.length > seen.length && (
        <button type="button" onClick={() => setAll(true)}>
          Show all {leaves.length}
        </button>
      )}
    </>
  );
}

function LeafRow({ recent: { index, leaf, isProved } }: { readonly recent: RecentLeaf }) {
  const link = leaf && leafLink(leaf);
  return (
    <tr class={isProved ? undefined : 'differs'}>
      <td class="number">{index}</td>
      <td>
        {leaf === undefined ? 'of a kind that this console does not know' : KIND_WORDS[leaf.kind]}
        {!isProved && <span class="badge bad">not proved</span>}
      </td>
      <td>{leaf && shown(leafWho(leaf))}</td>
      <td>
        {leaf && shown(leafAbout(leaf))}{' '}
        {link && (
          <a href={link.to}>
            {link.word}
            <span class="visually-hidden"> of leaf {index}</span>
          </a>
        )}
      </td>
      <td>{leaf && <Time at={leaf.at} />}</td>
    </tr>
  );
}
