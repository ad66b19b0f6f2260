import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Step } from '../api/sessions.ts';
import type { Session } from '../api/types.ts';
import { useToast } from '../parts/toast.tsx';
import { ControlBar } from './control-bar.tsx';
import { FindPanel } from './find-panel.tsx';
import type { LiveTape } from './live-tape.ts';
import { type Channel, markersOf, nextMarker } from './markers.ts';
import type { Playback } from './playback.ts';
import { pressed } from './player-keys.ts';
import { textOf } from './rows.ts';
import { useScheme } from './scheme.ts';
import { ScreenView } from './screen-view.tsx';
import { SeekBar } from './seek-bar.tsx';
import { Announcements, Remarks } from './remarks.tsx';
import { TypedPanel } from './typed-panel.tsx';

export interface TerminalPlayerProps {
  readonly session: Session;
  readonly live: LiveTape;
  readonly playback: Playback;
  /** The last moment that is there by now. */
  readonly until: number;
  readonly steps: readonly Step[];
  readonly channels: readonly Channel[];
  readonly channel: number | undefined;
  readonly onChannel: (channel: number) => void;
  readonly onMoment: ((us: number) => void) | undefined;
}

/** What the address need not know of each step on the way. */
const STILL_MS = 300;

/** A terminal's screen, its time, and all that can be done with it. */
export function TerminalPlayer(props: TerminalPlayerProps) {
  const { session, live, playback, until, steps, channels, channel, onChannel, onMoment } = props;
  const root = useRef<HTMLElement>(null);
  const [isFinding, setFinding] = useState(false);
  const [isTypedAsked, setTypedAsked] = useState(false);
  const say = useToast();
  const { tape } = live;
  const { exit, resizes } = tape;
  const markers = useMemo(
    () => markersOf(steps, tape, channel),
    [steps, tape, channel, exit, resizes.length],
  );
  useStill(playback, onMoment);

  const jump = (way: 1 | -1): void => {
    const found = nextMarker(markers, playback.now.peek(), way);
    if (found === undefined) return;
    playback.seek(found.at);
    say(found.label);
  };
  const copy = (): void => {
    navigator.clipboard.writeText(textOf(playback.shown.peek().rows)).then(
      () => say('Copied: the screen as text'),
      () => say('The browser does not let this page copy: mark the screen and copy it'),
    );
  };
  const fill = (): void => {
    const done =
      document.fullscreenElement === null ? root.current!.requestFullscreen() : document.exitFullscreen();
    done.catch(() => say('The browser does not let this page fill the screen'));
  };
  const actions = { playback, jump, fill, copy, find: () => setFinding(true) };
  return (
    <section
      ref={root}
      class="player"
      aria-label="Terminal"
      data-own-keys
      onKeyDown={(event) => pressed(event, actions)}
    >
      <Remarks
        session={session}
        live={live}
        playback={playback}
        channels={channels}
        channel={channel}
        onChannel={onChannel}
      />
      <Screen playback={playback} />
      <SeekBar playback={playback} tape={tape} markers={markers} until={until} />
      <ControlBar
        {...actions}
        markers={markers}
        startedAt={session.startedAt}
        isLive={live.filling.value.is === 'live'}
        hasInput={tape.inputs.length > 0}
        isTyped={isTypedAsked}
        onTyped={() => setTypedAsked(!isTypedAsked)}
      />
      {isFinding && <FindPanel tape={tape} playback={playback} onClose={() => setFinding(false)} />}
      {isTypedAsked && <TypedPanel tape={tape} playback={playback} />}
      <Announcements playback={playback} />
    </section>
  );
}

/** Alone drawn anew with each picture. */
function Screen({ playback }: { readonly playback: Playback }) {
  const { rows, columns } = playback.shown.value;
  return <ScreenView rows={rows} columns={columns} scheme={useScheme()} />;
}

/** Tells where it stands once it does. */
function useStill(playback: Playback, onMoment: ((us: number) => void) | undefined): void {
  const told = useRef(onMoment);
  told.current = onMoment;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isFirst = true;
    const moved = (): void => {
      clearTimeout(timer);
      const us = playback.now.peek();
      const isStill = !playback.isPlaying.peek() && !playback.isFollowing.peek() && playback.isMoved;
      if (!isStill || isFirst) return;
      const from = location.href;
      // A page that one left stands until the next is loaded: who went on is not brought back.
      const tell = (): void => (location.href === from ? told.current?.(us) : undefined);
      timer = setTimeout(tell, STILL_MS);
    };
    const ends = [playback.now.subscribe(moved), playback.isPlaying.subscribe(moved)];
    isFirst = false;
    return () => {
      clearTimeout(timer);
      for (const end of ends) end();
    };
  }, [playback]);
}
