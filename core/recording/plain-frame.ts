/** zstd frames whose bytes are as they are (RFC 8878 section 3.1.1.2.2, Raw_Block), for what is too little to be compressed. */

/** More is worth compressing: below, zstd takes longer for a third fewer bytes than everything else that is done for a block. */
export const PLAIN_MAX_BYTES = 255;
/** What stands before the bytes. */
export const PLAIN_HEADER_BYTES = 9;

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
/** Single_Segment_flag: no window, and one byte that says how long the content is. */
const DESCRIPTOR = 0b0010_0000;
/** Last_Block, of type Raw_Block. */
const LAST_RAW = 0b001;
const SIZE_AT = 3;

/** Writes `raw`, of at most PLAIN_MAX_BYTES, as one frame to the beginning of `output`. Returns how long it is. */
export function writePlainFrame(raw: Uint8Array, output: Uint8Array): number {
  const size = raw.byteLength;
  output.set(MAGIC);
  output[4] = DESCRIPTOR;
  output[5] = size;
  const block = LAST_RAW | (size << SIZE_AT);
  output[6] = block;
  output[7] = block >>> 8;
  output[8] = 0;
  output.set(raw, PLAIN_HEADER_BYTES);
  return PLAIN_HEADER_BYTES + size;
}
