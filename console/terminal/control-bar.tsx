import { Time } from '../parts/time.tsx';
import type { Marker } from './markers.ts';
import { nextMarker } from './markers.ts';
import { clockText, timeAt } from './moments.ts';
import { PauseChoice, SpeedChoice } from './pace-choices.tsx';
import { type Playback, SPEEDS } from './playback.ts';
import { type Actions, KEYS, keyName } from './player-keys.ts';

interface ControlBarProps extends Actions {
  readonly markers: readonly Marker[];
  readonly startedAt: string;
  readonly isLive: boolean;
  readonly hasInput: boolean;
  readonly isTyped: boolean;
  readonly onTyped: () => void;
}

/** Play, jump, speed and the rest. */
export function ControlBar(props: ControlBarProps) {
  const { playback, isLive, hasInput, isTyped, onTyped, find, copy, fill, startedAt } = props;
  return (
    <div class="controls" role="group" aria-label="Playing">
      <Transport {...props} />
      <Moment playback={playback} startedAt={startedAt} />
      <SpeedChoice
        speeds={SPEEDS}
        value={playback.speed.value}
        onChoice={(speed) => (playback.speed.value = speed)}
      />
      <PauseChoice value={playback.idle.value} onChoice={(idle) => (playback.idle.value = idle)} />
      {isLive && <Follow playback={playback} />}
      <div class="more">
        <button type="button" onClick={find}>
          Find
        </button>
        <button type="button" onClick={copy}>
          Copy screen
        </button>
        {hasInput && (
          <button type="button" aria-pressed={isTyped} onClick={onTyped}>
            Typed
          </button>
        )}
        <button type="button" onClick={fill}>
          Full screen
        </button>
      </div>
      <Keys />
    </div>
  );
}

/** Redrawn with the moment alone, as buttons depend on it. */
function Transport({ playback, jump, markers }: ControlBarProps) {
  const now = playback.now.value;
  const isPlaying = playback.isPlaying.value;
  return (
    <div class="transport">
      <button
        type="button"
        aria-label="Previous marker"
        title="Previous marker ["
        disabled={nextMarker(markers, now, -1) === undefined}
        onClick={() => jump(-1)}
      >
        <Icon path="M7 5v14M19 5l-9 7 9 7z" />
      </button>
      <button
        type="button"
        class="primary"
        aria-label={isPlaying ? 'Pause' : 'Play'}
        onClick={() => playback.toggle()}
      >
        <Icon path={isPlaying ? 'M8 5v14M16 5v14' : 'M7 4l13 8-13 8z'} />
      </button>
      <button
        type="button"
        aria-label="Next marker"
        title="Next marker ]"
        disabled={nextMarker(markers, now, 1) === undefined}
        onClick={() => jump(1)}
      >
        <Icon path="M17 5v14M5 5l9 7-9 7z" />
      </button>
    </div>
  );
}

function Icon({ path }: { readonly path: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

function Moment({ playback, startedAt }: { readonly playback: Playback; readonly startedAt: string }) {
  const now = playback.now.value;
  return (
    <p class="moment">
      <output aria-live="off">
        {clockText(now)} / {clockText(playback.end.value)}
      </output>
      <Time at={timeAt(startedAt, now)} />
    </p>
  );
}

function Follow({ playback }: { readonly playback: Playback }) {
  const isFollowing = playback.isFollowing.value;
  return (
    <button
      type="button"
      class="follow"
      aria-pressed={isFollowing}
      onClick={() => (isFollowing ? playback.pause() : playback.follow())}
    >
      {isFollowing ? 'Following' : 'Go live'}
    </button>
  );
}

function Keys() {
  return (
    <details class="keys">
      <summary>Keys</summary>
      <dl>
        {KEYS.map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{keyName(key)}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
