import type { Session } from '../api/types.ts';
import { CopyId } from '../parts/copy.tsx';
import { durationText } from '../parts/duration.ts';
import { PHONE, useMedia } from '../parts/media.ts';
import { useNow } from '../parts/now.ts';
import { Person, personText } from '../parts/person.tsx';
import { ProtocolIcon, protocolWord } from '../parts/protocol.tsx';
import { shown } from '../parts/text.ts';
import { Time } from '../parts/time.tsx';
import { EndSession } from './end-session.tsx';
import { ExportMenu } from './export-menu.tsx';
import { lengthOf } from './session-row.tsx';
import { bytesText, stateWord } from './words.ts';

/** Who, where, and what may be done about it. */
export function SessionHead({ session }: { readonly session: Session }) {
  const { principal, target, protocol } = session;
  const isPhone = useMedia(PHONE);
  const { word, tone, meaning } = stateWord(session);
  return (
    <header class="session-head">
      <p class="crumb">
        <a href="/sessions">Sessions</a>
      </p>
      <h1>
        <ProtocolIcon protocol={protocol} /> {personText({ ...principal, actors: [] })}{' '}
        <span class="on">at</span> {shown(target)}
      </h1>
      <p class="session-state">
        <span class={`badge ${tone}`}>
          {word === 'live' && <span class="pulse" aria-hidden="true" />}
          {word}
        </span>{' '}
        {meaning}
      </p>
      <div class="actions">
        <a class="button primary" href={`/sessions/${session.id}/proof`}>
          Verify
        </a>
        {session.state === 'open' ? <EndSession session={session} /> : <ExportMenu session={session} />}
      </div>
      <details class="facts-of" open={!isPhone}>
        <summary>Facts</summary>
        <SessionFacts session={session} />
      </details>
    </header>
  );
}

function SessionFacts({ session }: { readonly session: Session }) {
  const { principal, target, protocol, login, rule, grant, run, client, outcome, startedAt, id } = session;
  const now = useNow();
  return (
    <dl class="facts card session-facts">
      <dt>Person</dt>
      <dd>
        <Person person={principal} />
      </dd>
      <dt>Target</dt>
      <dd>
        <a href={`/sessions?target=${encodeURIComponent(target)}`}>{shown(target)}</a>,{' '}
        {protocolWord(protocol)}
        {login !== undefined && ` as ${shown(login)}`}
      </dd>
      <dt>Began</dt>
      <dd>
        <Time at={startedAt} />
      </dd>
      <dt>{outcome === undefined ? 'Lasts' : 'Ended'}</dt>
      <dd>
        {outcome !== undefined && <Time at={outcome.endedAt} />}
        {outcome !== undefined && ', after '}
        {durationText(lengthOf(session, now))}
      </dd>
      <dt>Rests on</dt>
      <dd>
        rule {shown(rule)}
        {grant !== undefined && (
          <>
            {', '}
            <a href={`/requests/${encodeURIComponent(grant)}`}>the request that was approved</a>
          </>
        )}
        {run !== undefined && (
          <>
            {', task '}
            {shown(run.task)} of{' '}
            <a href={`/runs/${encodeURIComponent(run.id)}`}>a run of {shown(run.workflow)}</a>
          </>
        )}
      </dd>
      <dt>Client</dt>
      <dd>
        {client.application !== undefined && `${shown(client.application)} from `}
        {shown(client.address)}
      </dd>
      {outcome !== undefined && (
        <>
          <dt>Recorded</dt>
          <dd>
            {bytesText(outcome.bytes)} in {outcome.segments} {outcome.segments === 1 ? 'segment' : 'segments'}
            {outcome.recovered && ', sealed from the journal after the gateway died'}
          </dd>
        </>
      )}
      <dt>Session</dt>
      <dd>
        <CopyId text={id} what="session id" />
      </dd>
    </dl>
  );
}
