import type { JournalEntry } from '#core/recording/ports.ts';

export const SESSION_A = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
export const SESSION_B = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e40';

/** An entry whose block is `text` and whose head is marked with its first letter. Nobody could verify it. */
export function entry(session: string, segment: number, offset: number, text: string): JournalEntry {
  return markedEntry({ session, segment, offset, block: Buffer.from(text) }, text.charCodeAt(0));
}

type Bare = Pick<JournalEntry, 'session' | 'segment' | 'offset' | 'block'>;

/** An entry whose head and signature are recognised by `mark`, a byte. */
export function markedEntry(bare: Bare, mark: number, manifest?: Uint8Array): JournalEntry {
  const sha256 = Buffer.alloc(32, mark).toString('hex');
  const head = {
    type: 'custody/head/1' as const,
    session: bare.session,
    segment: bare.segment,
    frames: mark,
    bytes: 2 ** 33 + mark,
    content: bare.offset + bare.block.byteLength,
    sha256,
    previous: sha256,
    until: 2 ** 40 + mark,
  };
  const signature = new Uint8Array(64).fill(mark);
  return { ...bare, head, voucher: manifest === undefined ? { signature } : { signature, manifest } };
}

/** The mark of what `markedEntry` made. */
export function markOf({ head, voucher }: Pick<JournalEntry, 'head' | 'voucher'>): number {
  const marks = new Set([...voucher.signature, ...Buffer.from(head.sha256 + head.previous, 'hex')]);
  marks
    .add(head.frames)
    .add(head.bytes - 2 ** 33)
    .add(head.until - 2 ** 40);
  if (marks.size !== 1) throw new Error('not what was made');
  return head.frames;
}
