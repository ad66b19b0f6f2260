/** Who has decided what, and who else has to. */
import type { AccessRequest, Person as PersonValue } from '../api/types.ts';
import { Person } from '../parts/person.tsx';
import { shown, shownLines } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { useWho } from '../signin/context.ts';
import { decisionOf } from './inbox.ts';
import { approvalsText, reviewersText } from './words.ts';

interface DecisionsProps {
  readonly request: AccessRequest;
}

export function Decisions({ request }: DecisionsProps) {
  const { decisions, review, withdrawnAt, grant, breakGlass } = request;
  return (
    <section class="card">
      <h2>{breakGlass ? 'What came of it' : 'Decisions'}</h2>
      <ol class="events">
        <Event tone="plain" what="Asked" by={request.requester} at={request.createdAt} />
        {decisions.map(({ decision, by, at, groups, comment }) => (
          <Event
            key={`${by.issuer} ${by.subject} ${decision}`}
            tone={decision === 'approved' ? 'good' : 'bad'}
            what={decision === 'approved' ? 'Approved' : 'Denied'}
            by={by}
            at={at}
            of={groups}
            comment={comment}
          />
        ))}
        {grant !== undefined && (
          <Event tone="good" what={breakGlass ? 'Broken: access began' : 'Granted'} at={grant.from} />
        )}
        {withdrawnAt !== undefined && (
          <Event tone="plain" what="Withdrawn" by={request.requester} at={withdrawnAt} />
        )}
        {grant?.ended !== undefined && (
          <Event
            tone={grant.ended.how === 'revoked' ? 'bad' : 'plain'}
            what={grant.ended.how === 'revoked' ? 'Revoked' : 'Given back'}
            by={grant.ended.by}
            at={grant.ended.at}
            comment={grant.ended.comment}
          />
        )}
        {review !== undefined && (
          <Event
            tone={review.verdict === 'justified' ? 'good' : 'bad'}
            what={`Reviewed: ${review.verdict}`}
            by={review.by}
            at={review.at}
            comment={review.comment}
          />
        )}
      </ol>
      <Outlook request={request} />
    </section>
  );
}

interface EventProps {
  readonly tone: 'good' | 'bad' | 'plain';
  readonly what: string;
  /** Nobody: it follows from what came before. */
  readonly by?: PersonValue;
  readonly at: string;
  readonly of?: readonly string[];
  readonly comment?: string | undefined;
}

function Event({ tone, what, by, at, of = [], comment }: EventProps) {
  return (
    <li class={`event ${tone}`}>
      <p>
        <strong>{what}</strong>
        {by !== undefined && (
          <>
            {' '}
            by <Person person={by} />
          </>
        )}
        {of.length > 0 && <span class="hint"> of {shown(of.join(', '))}</span>}
      </p>
      {comment !== undefined && <blockquote>{shownLines(comment)}</blockquote>}
      <p class="event-time">
        <Time at={at} />
      </p>
    </li>
  );
}

/** What is still to come. */
function Outlook({ request }: DecisionsProps) {
  const mine = decisionOf(request, useWho());
  const { state, needs, needsReview, mayDecide } = request;
  if (needsReview)
    return (
      <p class="outlook">
        {mayDecide
          ? 'It waits for a review, which may be yours.'
          : 'It waits for a review by somebody else than who broke it.'}
      </p>
    );
  if (state !== 'pending') return null;
  return (
    <p class="outlook">
      {approvalsText(request)}
      {needs !== undefined && <>: it needs {reviewersText(needs.approvals, needs)}</>}.
      {mine !== undefined && ' You have decided; somebody else has to.'}
      {mine === undefined && !mayDecide && ' Reviewers have been told.'}
    </p>
  );
}
