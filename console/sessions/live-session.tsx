import { useEffect, useMemo, useState } from 'preact/hooks';
import type { EndNews } from '../api/live.ts';
import type { Session } from '../api/types.ts';
import { durationText } from '../parts/duration.ts';
import { Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useApi } from '../signin/context.ts';
import { LiveSteps } from './live-steps.ts';
import { SessionParts } from './session-parts.tsx';
import { StepDetail } from './step-detail.tsx';
import { StepList } from './step-list.tsx';
import { counted, reasonMeaning, verdictWord } from './words.ts';

interface LiveSessionProps {
  readonly session: Session;
  /** To what is recorded, once it is over. */
  readonly onRecording: () => void;
}

/** A session that goes on: its steps as they become durable. */
export function LiveSession({ session, onRecording }: LiveSessionProps) {
  const api = useApi();
  const source = useMemo(() => new LiveSteps(api, session.id), [api, session.id]);
  useEffect(() => () => source.stop(), [source]);
  const [selected, select] = useState<number>();
  void source.version.value;
  const place = selected === undefined ? undefined : source.placeOf(selected);
  return (
    <section class="steps live" aria-label="What is being done">
      <LiveBar source={source} onRecording={onRecording} />
      <SessionParts session={session}>
        <div class="steps-and-detail">
          <StepList source={source} selected={selected} onSelect={select} follows />
          <div class="detail-box">
            {selected === undefined ? (
              <p class="hint nothing">Choose a step to see all of it. New ones come by themselves.</p>
            ) : (
              <StepDetail
                session={session}
                number={selected}
                known={place === undefined ? undefined : source.at(place)}
              />
            )}
          </div>
        </div>
      </SessionParts>
    </section>
  );
}

interface LiveBarProps {
  readonly source: LiveSteps;
  readonly onRecording: () => void;
}

function LiveBar({ source, onRecording }: LiveBarProps) {
  const [end, lag, away] = [source.end.value, source.lag.value, source.away.value];
  if (end !== undefined) return <Ended end={end} onRecording={onRecording} />;
  if (source.problem.value !== undefined) return undefined;
  return (
    <div class="live-bar" role="status">
      <span class="badge good">
        <span class="pulse" aria-hidden="true" />
        watching
      </span>
      {away !== undefined ? (
        <span class="away">{shown(away.message)}; it is taken up where it was as soon as it can be.</span>
      ) : (
        <span>
          {counted(source.count, 'step')}
          {lag?.behindMs !== undefined && `, what was done ${durationText(lag.behindMs)} ago is here`}
        </span>
      )}
    </div>
  );
}

function Ended({ end, onRecording }: { readonly end: EndNews; readonly onRecording: () => void }) {
  if (end.of === 'watch')
    return <Failure problem={new Error(`You may watch no longer: ${end.message ?? end.reason}`)} />;
  const verdict = verdictWord(end.verdict ?? 'incomplete');
  return (
    <div class="live-bar ended" role="status">
      <span class={`badge ${verdict.tone}`}>{verdict.word}</span>
      <span>
        It is over. {reasonMeaning(end.reason)} {end.message !== undefined && shown(end.message)}
      </span>
      <button type="button" class="primary" onClick={onRecording}>
        See the recording
      </button>
    </div>
  );
}
