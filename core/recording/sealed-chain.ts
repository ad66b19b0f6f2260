import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { Leaf } from '../ledger/leaf.ts';
import { openedLeaf } from '../ledger/leaves.ts';
import type { Slots } from '../slots.ts';
import {
  HEAD_BYTES,
  type Head,
  headSchema,
  type OpenStatement,
  openStatementSchema,
  SIGNATURE_BYTES,
  SKIPPABLE_MAGIC,
  TRAILER_BYTES,
} from './format.ts';
import { CLOSE, OPEN, objectKey, segmentName, signatureName } from './layout.ts';
import type { RecordingSource, Signer } from './ports.ts';
import { sha256Hex } from './statements.ts';
import { parseStrictJson } from './verify/json.ts';

/** A small object counts as so much of what may be read at once: each takes a connection. */
const LEAST_SHARE = 2 << 20;

/** What the sealer knows of a session's stored objects, each of which it has checked. */
export interface Chain {
  readonly session: string;
  readonly open: OpenStatement;
  readonly openHash: string;
  /** What the ledger has of its opening. */
  readonly opened: Leaf;
  /** The key that signed the open statement and is to sign the close statement. */
  readonly signer: KeyObject;
  readonly recorder: KeyObject;
  segments: number;
  frames: number;
  bytes: number;
  /** SHA-256 of the last segment; of the open statement when there is none. */
  last: string;
  until: number;
}

/** What a chain is read from. */
export interface ChainSource {
  readonly store: Pick<RecordingSource, 'get'>;
  readonly signer: Pick<Signer, 'publicKey'>;
  /** Bytes of objects that are read at once. */
  readonly reading: Slots;
}

/** A segment as its session's key signed it, wherever in the chain it belongs. */
export interface SignedSegment {
  readonly head: Head;
  /** SHA-256 of content and trailer: the object's. */
  readonly hash: string;
}

/**
 * Reads the open statement and all segments of a session, side by side, and checks signatures, numbers and hashes, so that
 * nothing is sealed that a verifier would refuse. `sizes`: all objects of the session. Throws `state-damaged`.
 */
export async function readChain(
  session: string,
  sizes: ReadonlyMap<string, number>,
  source: ChainSource,
): Promise<Chain> {
  for (const name of [OPEN, signatureName(OPEN)]) {
    if (!sizes.has(name)) throw damaged(session, `${name} is missing`);
  }
  const opening = readOpen(session, source);
  const [chain, ...segments] = await Promise.all([opening, ...readSegments(session, sizes, source, opening)]);
  for (const segment of segments) {
    if (segment === undefined || !follows(segment.head, chain))
      throw damaged(session, `${segmentName(chain.segments)} does not verify`);
    extend(chain, segment);
  }
  refuseForeign(chain, [...sizes.keys()]);
  return chain;
}

/** Those that follow on each other from the first on. Of each, no more is kept than what the chain needs. */
function readSegments(
  session: string,
  sizes: ReadonlyMap<string, number>,
  { store, reading }: ChainSource,
  opening: Promise<Chain>,
): Promise<SignedSegment | undefined>[] {
  const read = async (name: string): Promise<SignedSegment | undefined> => {
    const bytes = await store.get(objectKey(session, name));
    const { recorder } = await opening;
    return signedSegment(bytes.subarray(0, -TRAILER_BYTES), bytes.subarray(-TRAILER_BYTES), recorder);
  };
  const segments: Promise<SignedSegment | undefined>[] = [];
  for (let name = segmentName(0); sizes.has(name); name = segmentName(segments.length)) {
    const share = Math.max(LEAST_SHARE, sizes.get(name)!);
    segments.push(reading.hold(() => read(name), share));
  }
  return segments;
}

async function readOpen(session: string, { store, signer }: ChainSource): Promise<Chain> {
  const [bytes, signature, der] = await Promise.all([
    store.get(objectKey(session, OPEN)),
    store.get(objectKey(session, signatureName(OPEN))),
    signer.publicKey(),
  ]);
  const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  if (!isSignedBy(key, bytes, signature)) {
    throw damaged(session, `${OPEN} is not signed by this gateway's signer`);
  }
  const open = openStatementSchema.parse(parseStrictJson(bytes));
  if (open.session !== session) throw damaged(session, `${OPEN} is of session ${open.session}`);
  const recorder = createPublicKey({
    key: Buffer.from(open.recorder, 'base64'),
    format: 'der',
    type: 'spki',
  });
  const openHash = sha256Hex(bytes);
  const empty = { segments: 0, frames: 0, bytes: 0, last: openHash, until: 0 };
  return { session, open, openHash, opened: openedLeaf(open, bytes), signer: key, recorder, ...empty };
}

/** The segment of this content and trailer, if the session's key signed it for exactly this content and the next place in the chain. */
export function trustedSegment(
  content: Uint8Array,
  trailer: Uint8Array,
  chain: Chain,
): SignedSegment | undefined {
  const segment = signedSegment(content, trailer, chain.recorder);
  return segment !== undefined && follows(segment.head, chain) ? segment : undefined;
}

function signedSegment(
  content: Uint8Array,
  trailer: Uint8Array,
  recorder: KeyObject,
): SignedSegment | undefined {
  if (trailer.byteLength !== TRAILER_BYTES) return undefined;
  const signed = trailer.subarray(8, 8 + HEAD_BYTES);
  const signature = trailer.subarray(TRAILER_BYTES - SIGNATURE_BYTES);
  if (!isSkippable(trailer) || !verify(null, signed, recorder, signature)) return undefined;
  const head = headSchema.parse(parseStrictJson(signed));
  const hash = createHash('sha256').update(content);
  const fits = head.content === content.byteLength && head.sha256 === hash.copy().digest('hex');
  return fits ? { head, hash: hash.update(trailer).digest('hex') } : undefined;
}

function follows(head: Head, chain: Chain): boolean {
  return head.session === chain.session && head.segment === chain.segments && head.previous === chain.last;
}

/** The first 8 bytes of a trailer, which its signature does not cover. */
function isSkippable(trailer: Uint8Array): boolean {
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  return view.getUint32(0, true) === SKIPPABLE_MAGIC && view.getUint32(4, true) === TRAILER_BYTES - 8;
}

/** Counts one more segment in. */
export function extend(chain: Chain, { head, hash }: SignedSegment): void {
  chain.segments += 1;
  chain.frames += head.frames;
  chain.bytes += head.bytes;
  chain.last = hash;
  chain.until = head.until;
}

/** True when `signature` is the signer's over `bytes` (FORMAT.md, "Statements"). */
export function isSignedBy(signer: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', bytes, { key: signer, dsaEncoding: 'der' }, signature);
}

function refuseForeign(chain: Chain, names: readonly string[]): void {
  const own = new Set([OPEN, signatureName(OPEN), CLOSE, signatureName(CLOSE)]);
  for (let segment = 0; segment < chain.segments; segment += 1) own.add(segmentName(segment));
  const foreign = names.find((name) => !own.has(name));
  if (foreign !== undefined) throw damaged(chain.session, `${foreign} does not belong to it`);
}

/** Evidence of a session that nobody should seal before a person has looked at it. */
export function damaged(session: string, what: string): CustodyError {
  return new CustodyError('state-damaged', `session ${session} cannot be sealed: ${what}`, {
    hint: 'somebody wrote to the store; keep the folder as it is and look into it',
  });
}
