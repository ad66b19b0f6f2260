import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Api } from '../api/client.ts';
import type { Session } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { useSessionsApi } from '../sessions/context.ts';
import { useApi } from '../signin/context.ts';
import { LiveTape } from './live-tape.ts';
import { type Channel, channelsOf } from './markers.ts';
import { Playback } from './playback.ts';
import { TerminalPlayer } from './terminal-player.tsx';

export interface SessionTerminalProps {
  readonly session: Session;
  /** Where to begin, microseconds since the session's start. */
  readonly at?: number | undefined;
  /** Where it stands once it stands still, for the address. */
  readonly onMoment?: ((us: number) => void) | undefined;
}

/** More markers than these give are no help. */
const STEP_PAGES = 5;

/** The terminals of a session: played, or watched while it runs. */
export default function SessionTerminal({ session, at, onMoment }: SessionTerminalProps) {
  const api = useApi();
  const [channel, setChannel] = useState<number>();
  const sessions = useSessionsApi();
  const steps = useAnswer(
    (signal) => sessions.firstSteps(session.id, STEP_PAGES, signal),
    [session.id, session.state],
  );
  const channels = useMemo(() => channelsOf(steps.value ?? []), [steps.value]);
  const opened = useOpened(api, session, channel, at);
  if (opened === undefined) return <Loading what="the terminal" />;
  const { problem, is, until } = opened.live.filling.value;
  const { tape } = opened.live;
  if (tape.start === undefined) {
    if (problem !== undefined) return <Failure problem={problem} />;
    return is === 'over' ? (
      <NoTerminal channels={channels} onChannel={setChannel} />
    ) : (
      <Loading what="the terminal" />
    );
  }
  return (
    <TerminalPlayer
      session={session}
      live={opened.live}
      playback={opened.playback}
      until={until}
      steps={steps.value ?? []}
      channels={channels}
      channel={channel}
      onChannel={setChannel}
      onMoment={onMoment}
    />
  );
}

interface Opened {
  readonly live: LiveTape;
  readonly playback: Playback;
}

const FRAMES = {
  request: (draw: (ms: number) => void) => requestAnimationFrame(draw),
  cancel: (request: number) => cancelAnimationFrame(request),
};

/** Anew for another session or channel, not when it ends. */
function useOpened(
  api: Api,
  { id, state }: Session,
  channel: number | undefined,
  at: number | undefined,
): Opened | undefined {
  const [opened, setOpened] = useState<Opened>();
  useEffect(() => {
    const live = new LiveTape();
    const playback = new Playback(live.tape, FRAMES, at);
    if (state === 'open' && at === undefined) playback.follow();
    const unfollow = live.filling.subscribe(() => playback.grown());
    void live.fill(api, id, channel);
    setOpened({ live, playback });
    return () => {
      unfollow();
      live.stop();
      playback.dispose();
    };
  }, [id, channel]);
  return opened;
}

interface NoTerminalProps {
  readonly channels: readonly Channel[];
  readonly onChannel: (channel: number) => void;
}

function NoTerminal({ channels, onChannel }: NoTerminalProps) {
  if (channels.length === 0)
    return (
      <Empty title="No terminal was used in this session">
        <p>What was done stands in its steps.</p>
      </Empty>
    );
  return (
    <Empty title="No program of this session had a terminal">
      <p>What they put out can be shown as if on one:</p>
      <ul class="channels">
        {channels.map(({ number, label }) => (
          <li key={number}>
            <button type="button" onClick={() => onChannel(number)}>
              {label}
            </button>
          </li>
        ))}
      </ul>
    </Empty>
  );
}
