import type { AccessRequest } from '../api/types.ts';
import { Countdown } from '../parts/countdown.tsx';
import { shown } from '../parts/text.ts';
import { Ago } from '../parts/time.tsx';
import { RequestTitle } from './request-title.tsx';
import { approvalsText, durationOf, scopeText, stateWord, untilOf } from './words.ts';

interface RowProps {
  readonly request: AccessRequest;
  readonly now: number;
}

/** One of a list: who wants what, why, for how long, and how it stands. All of it leads to its page. */
export function RequestRow({ request, now }: RowProps) {
  const { reason, ticket, breakGlass, needsReview } = request;
  return (
    <li class={`request-row ${needsReview ? 'alarm' : ''}`}>
      <div class="request-who">
        <RequestTitle of={request} />
        <p class="request-why">
          {breakGlass && <span class="badge bad">Broken glass</span>}{' '}
          {ticket !== undefined && <span class="badge">{shown(ticket)}</span>}{' '}
          {whyText(request) ?? (reason === undefined ? 'No reason given' : shown(reason))}
        </p>
      </div>
      <Standing request={request} now={now} />
    </li>
  );
}

function whyText({ deviation, reason }: AccessRequest): string | undefined {
  return deviation === undefined ? undefined : (reason ?? `Outside its contract: ${shown(deviation.seen)}`);
}

function Standing({ request, now }: RowProps) {
  const { word, tone } = stateWord(request.state);
  const until = untilOf(request);
  return (
    <div class="request-standing">
      <span class={`badge ${tone}`}>{request.state === 'pending' ? approvalsText(request) : word}</span>
      <span class="request-for">
        for {durationOf(request)}
        {scopeText(request) !== undefined && <>, {scopeText(request)}</>}
      </span>
      {until === undefined ? (
        <span class="hint">
          asked <Ago at={request.createdAt} now={now} />
        </span>
      ) : (
        <Countdown until={until} over="the time is over" />
      )}
    </div>
  );
}

interface ListProps {
  readonly title: string;
  readonly hint?: string;
  readonly requests: readonly AccessRequest[];
  readonly now: number;
}

/** Nothing where there are none. */
export function RequestSection({ title, hint, requests, now }: ListProps) {
  if (requests.length === 0) return null;
  return (
    <section class="request-section">
      <h2>
        {title} <span class="request-count">{requests.length}</span>
      </h2>
      {hint !== undefined && <p class="hint">{hint}</p>}
      <RequestList requests={requests} now={now} />
    </section>
  );
}

export function RequestList({ requests, now }: Pick<ListProps, 'requests' | 'now'>) {
  return (
    <ul class="request-list">
      {requests.map((request) => (
        <RequestRow key={request.id} request={request} now={now} />
      ))}
    </ul>
  );
}
