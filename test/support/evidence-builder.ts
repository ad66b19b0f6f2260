import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { CustodyError } from '#core/errors.ts';
import type { EvidenceFolder } from '#core/recording/verify/verify.ts';

/**
 * Builds evidence from FORMAT.md by hand, sharing nothing with the gateway's writer, so that tests can tamper with it
 * with or without the keys.
 */
export interface Keys {
  readonly signer: KeyObject;
  readonly recorder: KeyObject;
  readonly journal: KeyObject;
}

export interface FrameInput {
  readonly stream?: number;
  readonly flags?: number;
  readonly reserved?: number;
  readonly timeUs: number | bigint;
  readonly payload: Uint8Array;
  /** What the header claims instead of the payload's length. */
  readonly claimedLength?: number;
}

/** One segment: blocks of frames. */
export type SegmentInput = readonly (readonly FrameInput[])[];
export type Files = Map<string, Uint8Array>;
type Json = Record<string, unknown>;

export const SESSION = '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f';
export const OTHER_SESSION = '019aaf3e-6d1c-7a61-9f43-ffffffffffff';

export function makeKeys(): Keys {
  const [recorder, journal] = [1, 2].map(() => generateKeyPairSync('ed25519').privateKey);
  return { signer: makeSigner(), recorder: recorder!, journal: journal! };
}

export function makeSigner(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

export function spki(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

export function pem(key: KeyObject): Buffer {
  return Buffer.from(createPublicKey(key).export({ type: 'spki', format: 'pem' }));
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function frame(timeUs: number | bigint, text: string, stream = 0): FrameInput {
  return { timeUs, stream, payload: Buffer.from(text) };
}

export function encodeFrame(input: FrameInput): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(input.claimedLength ?? input.payload.length, 0);
  header.writeUInt8(input.stream ?? 0, 4);
  header.writeUInt8(input.flags ?? 0, 5);
  header.writeUInt16LE(input.reserved ?? 0, 6);
  header.writeBigUInt64LE(BigInt(input.timeUs), 8);
  return Buffer.concat([header, input.payload]);
}

export function encodeContent(segment: SegmentInput): Buffer {
  return Buffer.concat(
    segment.map((block) => zstdCompressSync(Buffer.concat(block.map((input) => encodeFrame(input))))),
  );
}

/** Content and a head signed by `recorder`, saying what `head` says. */
export function sealSegment(content: Uint8Array, head: Json, recorder: KeyObject): Buffer {
  return sealRawHead(content, Buffer.from(`${JSON.stringify(head).padEnd(439)}\n`), recorder);
}

export function sealRawHead(content: Uint8Array, head: Uint8Array, recorder: KeyObject): Buffer {
  const magic = Buffer.from('502a4d18f8010000', 'hex');
  return Buffer.concat([content, magic, head, sign(null, head, recorder)]);
}

/** Content under a manifest that lists the head among others', signed by `journal`; or saying what `text` says. */
export function sealUnderManifest(
  content: Uint8Array,
  head: Json,
  journal: KeyObject,
  text?: string,
): Buffer {
  const bytes = Buffer.from(`${JSON.stringify(head).padEnd(439)}\n`);
  const lines = [sha256(Buffer.from('another')), sha256(bytes), sha256(Buffer.from('one more'))];
  const manifest = Buffer.from(text ?? `custody/manifest/1\n${lines.join('\n')}\n`);
  const header = Buffer.from('512a4d1800000000', 'hex');
  header.writeUInt32LE(manifest.length, 4);
  const magic = Buffer.from('502a4d18f8010000', 'hex');
  return Buffer.concat([header, manifest, content, magic, bytes, sign(null, manifest, journal)]);
}

/** The head an honest recorder makes for this content. */
export function honestHead(session: string, number: number, input: SegmentInput, previous: Uint8Array): Json {
  const content = encodeContent(input);
  const frames = input.flat();
  return {
    type: 'custody/head/1',
    session,
    segment: number,
    frames: frames.length,
    bytes: frames.reduce((sum, { payload }) => sum + payload.length, 0),
    content: content.length,
    sha256: sha256(content),
    previous: sha256(previous),
    until: Number(frames.at(-1)?.timeUs ?? 0) + 1000,
  };
}

export function openStatement(keys: Keys, session = SESSION): Json {
  return {
    type: 'custody/open/1',
    session,
    startedAt: '2026-11-23T09:00:00.000Z',
    principal: {
      issuer: 'http://127.0.0.1:7401',
      subject: 'dev-1',
      groups: ['developers'],
      groupsOmitted: 0,
    },
    target: { name: 'orders-db', protocol: 'postgres', address: '127.0.0.1:7432' },
    client: { address: '127.0.0.1:50412', application: 'psql', user: 'dana' },
    grant: { rule: 'developers-work' },
    policy: '0'.repeat(64),
    gateway: { version: '0.1.0', task: 'task-1' },
    durability: { mode: 'windowed', windowMs: 250 },
    recorder: spki(keys.recorder).toString('base64'),
    journal: spki(keys.journal).toString('base64'),
    signer: sha256(spki(keys.signer)),
  };
}

/** Puts a statement and its signature among the files. */
export function putStatement(
  files: Files,
  name: string,
  statement: Json | Uint8Array,
  signer: KeyObject,
): void {
  const bytes = statement instanceof Uint8Array ? statement : Buffer.from(JSON.stringify(statement, null, 2));
  files.set(name, bytes);
  files.set(`${name}.sig`, sign('sha256', bytes, signer));
}

/**
 * A whole honest evidence folder; `close: false` leaves the session unsealed, an object changes the close statement. `manifestAt`: the
 * segment that a manifest vouches for.
 */
export function buildEvidence(
  keys: Keys,
  segments: readonly SegmentInput[],
  options: { session?: string; open?: Json; close?: Json | false; manifestAt?: number } = {},
): Files {
  const session = options.session ?? SESSION;
  const files: Files = new Map([['signer.pem', pem(keys.signer)]]);
  putStatement(files, 'open.json', { ...openStatement(keys, session), ...options.open }, keys.signer);
  let previous = files.get('open.json')!;
  segments.forEach((input, number) => {
    const [content, head] = [encodeContent(input), honestHead(session, number, input, previous)];
    previous =
      number === options.manifestAt
        ? sealUnderManifest(content, head, keys.journal)
        : sealSegment(content, head, keys.recorder);
    files.set(segmentFile(number), previous);
  });
  if (options.close === false) return files;
  const close = {
    ...closeStatement(keys, session, segments, files.get('open.json')!, previous),
    ...options.close,
  };
  putStatement(files, 'close.json', close, keys.signer);
  return files;
}

export function closeStatement(
  keys: Keys,
  session: string,
  segments: readonly SegmentInput[],
  open: Uint8Array,
  last: Uint8Array,
): Json {
  const frames = segments.flat(2);
  return {
    type: 'custody/close/1',
    session,
    endedAt: '2026-11-23T09:04:10.120Z',
    reason: 'client-closed',
    recovered: false,
    recordedUntil: 250_120_000,
    segments: segments.length,
    frames: frames.length,
    bytes: frames.reduce((sum, { payload }) => sum + payload.length, 0),
    open: sha256(open),
    last: sha256(last),
    signer: sha256(spki(keys.signer)),
  };
}

/** Three segments of a few frames, the first of two blocks. */
export function threeSegments(): readonly SegmentInput[] {
  return [
    [[frame(1000, 'select 1'), frame(2000, 'one row', 1)], [frame(3000, 'select 2')]],
    [[frame(4000, 'two rows', 1), frame(5000, 'drop table orders'), frame(6000, 'dropped', 1)]],
    [[frame(7000, '{"note":"cancel"}', 3), frame(8000, 'bye', 2)]],
  ];
}

export function segmentFile(number: number): string {
  return `${String(number).padStart(8, '0')}.seg`;
}

export function parseStatement(files: Files, name: string): Json {
  return JSON.parse(Buffer.from(files.get(name)!).toString());
}

export function memoryFolder(files: Files): EvidenceFolder {
  return {
    list: () => Promise.resolve([...files.keys()]),
    get: (name) => {
      const bytes = files.get(name);
      if (bytes !== undefined) return Promise.resolve(bytes);
      return Promise.reject(new CustodyError('not-found', `no ${name}`));
    },
  };
}
