import type { AccessRequest } from '../api/types.ts';
import { CopyId } from '../parts/copy.tsx';
import { shown } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { durationOf, reviewersText } from './words.ts';

interface FactsProps {
  readonly request: AccessRequest;
}

/** All that is known of it, for who wants to be exact. */
export function RequestFacts({ request }: FactsProps) {
  const { id, requester, target, protocol, rule, policy, needs, grant, digest, pendingUntil, breakGlass } =
    request;
  return (
    <section class="card">
      <h2>Facts</h2>
      <dl class="facts">
        <dt>Who</dt>
        <dd>
          {shown(requester.email ?? requester.subject)}
          <br />
          <span class="hint">
            {shown(requester.subject)} of {shown(requester.issuer)}
          </span>
        </dd>
        <Actors request={request} />
        <dt>Target</dt>
        <dd>
          {shown(target)}
          {protocol !== undefined && <span class="hint"> {protocol}</span>}
        </dd>
        <dt>By the rule</dt>
        <dd>{shown(rule)}</dd>
        {needs !== undefined && (
          <>
            <dt>{breakGlass ? 'Reviewed by' : 'Needs'}</dt>
            <dd>{reviewersText(Math.max(needs.approvals, 1), needs)}</dd>
          </>
        )}
        <dt>How long</dt>
        <dd>{durationOf(request)}</dd>
        {!breakGlass && grant === undefined && (
          <>
            <dt>Waits until</dt>
            <dd>
              <Time at={pendingUntil} />
            </dd>
          </>
        )}
        {grant !== undefined && <GrantFacts grant={grant} />}
        <dt>Request</dt>
        <dd>
          <CopyId text={id} what="request id" />
        </dd>
        <dt>Digest, in the ledger</dt>
        <dd>
          <CopyId text={digest} what="digest" />
        </dd>
        <dt>Configuration</dt>
        <dd class="fact-code">{shown(policy)}</dd>
      </dl>
    </section>
  );
}

function Actors({ request: { requester } }: FactsProps) {
  const { actors = [], email, subject } = requester;
  if (actors.length === 0) return null;
  return (
    <>
      <dt>On whose behalf</dt>
      <dd>
        {actors.map((actor) => (
          <span key={`${actor.issuer} ${actor.subject}`}>
            <strong>{shown(actor.subject)}</strong> of {shown(actor.issuer)} acts for{' '}
          </span>
        ))}
        {shown(email ?? subject)}
      </dd>
    </>
  );
}

function GrantFacts({
  grant: { from, until, usedBy },
}: {
  readonly grant: NonNullable<AccessRequest['grant']>;
}) {
  return (
    <>
      <dt>Granted from</dt>
      <dd>
        <Time at={from} />
      </dd>
      <dt>Until</dt>
      <dd>
        <Time at={until} />
      </dd>
      {usedBy !== undefined && (
        <>
          <dt>Used by</dt>
          <dd>
            <a href={`/sessions/${usedBy}`}>{usedBy}</a>
          </dd>
        </>
      )}
    </>
  );
}
