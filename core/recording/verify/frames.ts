import { CustodyError } from '../../errors.ts';
import { SEGMENT_FILE_MAX_BYTES } from '../format.ts';
import { segmentName, segmentNumber } from '../layout.ts';
import { type RecordedFrame, readFrames } from '../read.ts';
import type { EvidenceFolder } from './folder.ts';

/**
 * The frames of all segments in order, with one segment in memory at a time. Throws `format-invalid` where a segment
 * is damaged, or missing before the last that is there; the frames before it have been given by then.
 */
export async function* framesOf(folder: EvidenceFolder): AsyncGenerator<RecordedFrame, void, undefined> {
  const names = new Set(await folder.list());
  const count = [...names].filter((name) => segmentNumber(name) !== undefined).length;
  let before = 0;
  for (let segment = 0; segment < count; segment++) {
    const name = segmentName(segment);
    if (!names.has(name)) throw new CustodyError('format-invalid', `${name} is missing`);
    const bytes = await folder.get(name, SEGMENT_FILE_MAX_BYTES);
    for (const frame of readFrames(bytes, before)) {
      before = frame.timeUs;
      yield frame;
    }
  }
}
