import type { Session } from '../api/types.ts';
import { durationText } from '../parts/duration.ts';
import { personText } from '../parts/person.tsx';
import { ProtocolIcon } from '../parts/protocol.tsx';
import { shown } from '../parts/text.ts';
import { Ago, utcText } from '../parts/time.tsx';
import { bytesText, stateWord } from './words.ts';

interface SessionRowProps {
  readonly session: Session;
  readonly isWaiting: boolean;
  readonly now: number;
}

/** All of it is the link. */
export function SessionRow({ session, isWaiting, now }: SessionRowProps) {
  const { id, startedAt, principal, target, protocol, login, client, outcome } = session;
  const { word, tone, meaning } = stateWord(session, isWaiting);
  return (
    <a href={`/sessions/${id}`} class="session-row" data-item>
      <span class="when">
        <Ago at={startedAt} now={now} />
        <small>{utcText(startedAt)}</small>
      </span>
      <span class="who">
        {personText({ ...principal, actors: [] })}
        <small>{byWhom(session)}</small>
      </span>
      <span class="target">
        <ProtocolIcon protocol={protocol} />
        <span>
          {shown(target)}
          {login !== undefined && <small>as {shown(login)}</small>}
        </span>
      </span>
      <span class="state">
        <span class={`badge ${tone}`} title={meaning}>
          {word === 'live' && <span class="pulse" aria-hidden="true" />}
          {word}
        </span>
      </span>
      <span class="length">
        {durationText(lengthOf(session, now))}
        <small>{outcome === undefined ? 'so far' : bytesText(outcome.bytes)}</small>
      </span>
      <span class="client">
        {shown(client.application ?? client.address)}
        <small>{basis(session)}</small>
      </span>
    </a>
  );
}

function byWhom({ principal: { actors = [] } }: Session): string {
  return actors.length === 0 ? '' : `by ${actors.map(({ subject }) => shown(subject)).join(', for which ')}`;
}

/** What it rests on, besides its rule. */
function basis({ run, grant }: Session): string {
  if (run !== undefined) return `run of ${shown(run.workflow)}`;
  return grant === undefined ? '' : 'granted on request';
}

export function lengthOf({ startedAt, outcome }: Session, now: number): number {
  return Math.max(0, (outcome === undefined ? now : Date.parse(outcome.endedAt)) - Date.parse(startedAt));
}
