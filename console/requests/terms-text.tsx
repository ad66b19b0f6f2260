import type { Terms } from '../api/requests.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';
import { reviewersText } from './words.ts';

/** What a rule wants, before anything is sent. */
export function TermsText({ terms }: { readonly terms: Terms }) {
  return (
    <section class={`terms ${terms.breakGlass ? 'alarm-box' : ''}`} aria-label="What the rule wants">
      {terms.breakGlass ? <Glass terms={terms} /> : <Reviewed terms={terms} />}
    </section>
  );
}

function Glass({ terms: { maxDurationSeconds, reviewers } }: { readonly terms: Terms }) {
  return (
    <>
      <p>
        <strong>For emergencies alone.</strong> Access begins at once, without anybody’s approval, for at most{' '}
        {durationText(maxDurationSeconds * 1000)}.
      </p>
      <ul>
        <li>An alarm is raised, and names you.</li>
        <li>{reviewersText(1, reviewers)} reviews afterwards what was done; that cannot be you.</li>
        <li>Everything is recorded, as always.</li>
      </ul>
    </>
  );
}

function Reviewed({ terms }: { readonly terms: Terms }) {
  const { rule, approvals, reviewers, maxDurationSeconds, pendingSeconds, statements } = terms;
  return (
    <>
      <p>
        By the rule <strong>{shown(rule)}</strong>:
      </p>
      <ul>
        <li>
          <strong>{reviewersText(approvals, reviewers)}</strong> {approvals === 1 ? 'has' : 'have'} to
          approve; you cannot be one of them.
        </li>
        <li>
          At most <strong>{durationText(maxDurationSeconds * 1000)}</strong>, counted from the last approval.
        </li>
        {pendingSeconds !== undefined && (
          <li>A request that nobody has decided after {durationText(pendingSeconds * 1000)} has expired.</li>
        )}
        <li>
          {statements === 'exact'
            ? 'You name the exact commands; only those run, each once, in one session.'
            : 'Any command, unless you name the exact ones: what is narrow is approved sooner.'}
        </li>
      </ul>
    </>
  );
}
