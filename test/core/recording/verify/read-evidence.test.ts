import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import type { RecordedFrame } from '#core/recording/read.ts';
import { framesOf } from '#core/recording/verify/frames.ts';
import {
  type EvidenceFolder,
  readEvidence,
  type VerifyReport,
  verifyEvidence,
} from '#core/recording/verify/verify.ts';
import {
  buildEvidence,
  type Files,
  makeKeys,
  memoryFolder,
  OTHER_SESSION,
  SESSION,
  segmentFile,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';

const keys = makeKeys();
const good = buildEvidence(keys, threeSegments());
const trusted = { trustedSigners: [spki(keys.signer)] };

interface Read {
  readonly frames: readonly RecordedFrame[];
  readonly faults: readonly string[];
  readonly report: VerifyReport;
}

function read(files: Files, options = trusted): Promise<Read> {
  return readFolder(memoryFolder(files), options);
}

async function readFolder(folder: EvidenceFolder, options = trusted): Promise<Read> {
  const frames: RecordedFrame[] = [];
  const faults: string[] = [];
  const reading = readEvidence(folder, options);
  for (;;) {
    const { done, value } = await reading.next();
    if (done) return { frames, faults, report: value };
    if ('frames' in value) frames.push(...value.frames);
    else if ('fault' in value) faults.push(value.fault);
  }
}

const text = ({ stream, timeUs, payload }: RecordedFrame): string =>
  `${stream} ${timeUs} ${Buffer.from(payload).toString('hex')}`;
async function recorded(files: Files): Promise<string[]> {
  const texts: string[] = [];
  for await (const frame of framesOf(memoryFolder(files))) texts.push(text(frame));
  return texts;
}
const all = await recorded(good);

it('gives every frame of good evidence, and the report of the verifier', async () => {
  const { frames, faults, report } = await read(good);
  expect(frames.map(text)).toEqual(all);
  expect(faults).toEqual([]);
  expect(report).toEqual(await verifyEvidence(memoryFolder(good), trusted));
  expect(report.verdict).toBe('verified');
});

it('of altered evidence gives what was recorded up to some point and nothing else, and says why it stops', async () => {
  const name = fc.constantFrom(...good.keys());
  const change = fc.record({ name, at: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) });
  const loss = name.map((lost) => ({ lost }));
  const swap = fc.record({ name, other: name });
  await fc.assert(
    fc.asyncProperty(fc.oneof(change, loss, swap), async (what) => {
      const files: Files = new Map(good);
      if ('lost' in what) files.delete(what.lost);
      else if ('other' in what) files.set(what.name, good.get(what.other)!);
      else {
        const bytes = Buffer.from(good.get(what.name)!);
        bytes[what.at % bytes.length]! ^= 1 << what.bit;
        files.set(what.name, bytes);
      }
      const { frames, faults, report } = await read(files);
      expect(frames.map(text)).toEqual(all.slice(0, frames.length));
      expect(report).toEqual(await verifyEvidence(memoryFolder(files), trusted));
      const isCut = frames.length < all.length && report.verdict === 'failed';
      expect(isCut && faults.length !== 1).toBe(false);
    }),
    { numRuns: 400 },
  );
});

it.each([0, 1, 2])(
  'gives no frame of segment %d where its content is not what its head says',
  async (number) => {
    const files: Files = new Map(good);
    const bytes = Buffer.from(files.get(segmentFile(number))!);
    bytes[9]! ^= 1;
    files.set(segmentFile(number), bytes);
    const before = new Map(
      [...good].filter(([name]) => !name.endsWith('.seg') || name < segmentFile(number)),
    );
    const { frames } = await read(files);
    expect(frames.map(text)).toEqual(await recorded(before));
  },
);

it.each([
  ['not-found', 'it is a pipe'],
  ['format-invalid', 'it is too long'],
] as const)('gives no frame after a segment that is there and cannot be read (%s)', async (code, message) => {
  for (const number of [0, 1, 2]) {
    const folder = memoryFolder(good);
    const get = async (name: string, atMost: number): Promise<Uint8Array> => {
      if (name === segmentFile(number)) throw new CustodyError(code, message);
      return folder.get(name, atMost);
    };
    const before = new Map(
      [...good].filter(([name]) => !name.endsWith('.seg') || name < segmentFile(number)),
    );
    const { frames, faults, report } = await readFolder({ list: () => folder.list(), get });
    expect(frames.map(text)).toEqual(await recorded(before));
    expect(faults).toEqual([`${segmentFile(number)} cannot be read`]);
    expect(report.verdict).toBe('failed');
  }
});

it.each([
  ['of another signer', { trustedSigners: [spki(makeKeys().signer)] }],
  ['of another session', { ...trusted, session: OTHER_SESSION }],
])('gives no frame %s', async (_, options) => {
  const { frames, faults, report } = await read(good, options);
  expect(frames).toEqual([]);
  expect(faults).toHaveLength(1);
  expect(report.verdict).toBe('failed');
});

it('gives frames where nobody said whom to trust, and of a session that is not sealed', async () => {
  expect((await read(good, { trustedSigners: [] })).frames.map(text)).toEqual(all);
  const live = new Map([...good].filter(([name]) => !name.startsWith('close')));
  const { frames, report } = await read(live);
  expect(frames.map(text)).toEqual(all);
  expect([report.verdict, report.facts?.session]).toEqual(['incomplete', SESSION]);
});
