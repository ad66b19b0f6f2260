import { FLAG_WITHHELD, FRAME_HEADER_BYTES } from '#core/recording/format.ts';
import { gatherFrames } from '#core/recording/slab.ts';
import { Incoming } from '#proxy/recorder/incoming.ts';
import type { ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, Tapes } from '#proxy/recorder/tapes.ts';
import { opening } from './recorder.ts';

export interface TapedFrame {
  readonly stream: number;
  readonly withheld: boolean;
  readonly payload: Buffer;
}

/** A session's tape as the relay holds it, without a recorder behind it. Call `frames` once: it stops the tape. */
export async function sessionTape(): Promise<{
  readonly tape: SessionTape;
  readonly frames: () => TapedFrame[];
}> {
  const incoming = new Incoming();
  const receive = (message: ToRecorder): void => {
    if (message.kind === 'slab') incoming.add(message.buffer);
  };
  const tapes = new Tapes({ postMessage: receive }, () => 0);
  const opened = tapes.open(opening(), {
    durability: 'windowed',
    windowMs: 250,
    deadlineMs: 10_000,
    onFailure: (error) => {
      throw error;
    },
  });
  tapes.receive({ kind: 'opened', tape: 1 });
  return {
    tape: await opened,
    frames: () => {
      tapes.stop();
      const { ranges, bytes } = incoming.take(1_000) ?? { ranges: [], bytes: 0 };
      return gatherFrames(ranges, new Uint8Array(bytes)).flatMap(({ rawFrames }) => framesIn(rawFrames));
    },
  };
}

/** Frames as FORMAT.md lays them out. */
function framesIn(bytes: Uint8Array): TapedFrame[] {
  const raw = Buffer.from(bytes);
  const frames: TapedFrame[] = [];
  for (let at = 0; at < raw.byteLength; ) {
    const end = at + FRAME_HEADER_BYTES + raw.readUInt32LE(at);
    frames.push({
      stream: raw[at + 4]!,
      withheld: (raw[at + 5]! & FLAG_WITHHELD) !== 0,
      payload: raw.subarray(at + FRAME_HEADER_BYTES, end),
    });
    at = end;
  }
  return frames;
}
