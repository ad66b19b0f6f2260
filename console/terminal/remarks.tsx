import type { Session } from '../api/types.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';
import type { LiveTape } from './live-tape.ts';
import type { Channel } from './markers.ts';
import { spokenText } from './moments.ts';
import type { Playback } from './playback.ts';

interface RemarksProps {
  readonly session: Session;
  readonly live: LiveTape;
  readonly playback: Playback;
  readonly channels: readonly Channel[];
  readonly channel: number | undefined;
  readonly onChannel: (channel: number) => void;
}

/** Above the screen: which terminal, how far it is there, what is wrong. */
export function Remarks({ session, live, playback, channels, channel, onChannel }: RemarksProps) {
  const { is, lag, problem, end } = live.filling.value;
  const { start, exit, isCut } = live.tape;
  return (
    <div class="remarks">
      {channels.length > 1 && <ChannelChoice channels={channels} channel={channel} onChannel={onChannel} />}
      <span class="hint">
        {start!.columns}×{start!.rows}
        {session.login !== undefined && ` · ${shown(session.login)}`}
      </span>
      {is === 'live' && <LiveBadge behindMs={lag?.behindMs} />}
      {is === 'loading' && <span class="hint">loading…</span>}
      {exit !== undefined && (
        <span class={`badge ${exit.status === 0 ? '' : 'bad'}`}>exit {exit.status}</span>
      )}
      {end?.of === 'watch' && <span class="badge warn">{shown(end.message ?? end.reason)}</span>}
      {end?.verdict === 'failed' && <span class="badge bad">what follows does not verify</span>}
      {isCut && <span class="badge warn">only the beginning: it is more than a browser keeps</span>}
      {problem !== undefined && <span class="badge warn">{shown(problem.message)}</span>}
      <Drawing playback={playback} />
    </div>
  );
}

function LiveBadge({ behindMs }: { readonly behindMs: number | undefined }) {
  return (
    <span class="badge good">
      live{behindMs !== undefined && behindMs < QUIET_MS ? `, ${durationText(behindMs)} behind` : ', quiet'}
    </span>
  );
}

/** Nothing newer to be shown says nothing about how far behind one is. */
const QUIET_MS = 2_000;

function Drawing({ playback }: { readonly playback: Playback }) {
  const drawn = playback.drawn.value;
  if (drawn === undefined) return null;
  return <progress aria-label="Going to the moment" value={drawn} />;
}

interface ChannelChoiceProps {
  readonly channels: readonly Channel[];
  readonly channel: number | undefined;
  readonly onChannel: (channel: number) => void;
}

function ChannelChoice({ channels, channel, onChannel }: ChannelChoiceProps) {
  return (
    <label class="choice">
      Terminal
      <select
        value={channel ?? channels[0]!.number}
        onChange={(event) => onChannel(Number(event.currentTarget.value))}
      >
        {channels.map(({ number, label, isTerminal }) => (
          <option key={number} value={number}>
            {number}: {label}
            {isTerminal ? '' : ' (output)'}
          </option>
        ))}
      </select>
    </label>
  );
}

/** For who does not see the screen move. */
export function Announcements({ playback }: { readonly playback: Playback }) {
  const isPlaying = playback.isPlaying.value;
  const isFollowing = playback.isFollowing.value;
  const speed = playback.speed.value;
  const words = isPlaying
    ? `Playing at ${speed} times`
    : isFollowing
      ? 'Following the live session'
      : `Paused at ${spokenText(playback.now.peek())}`;
  return (
    <p class="visually-hidden" role="status">
      {words}
    </p>
  );
}
