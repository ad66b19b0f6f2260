import type { StreamName } from '#core/recording/format.ts';
import type { ReplayFrame } from '../step.ts';

/** The payload of one stream's frames, byte for byte. `withheld` is told of bytes that stand as zeros. */
export async function* rawBytes(
  frames: AsyncIterable<ReplayFrame>,
  stream: StreamName,
  withheld: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const frame of frames) {
    if (frame.stream !== stream) continue;
    if (frame.withheld) withheld(frame.payload.length);
    yield frame.payload;
  }
}
