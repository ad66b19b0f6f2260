import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { asCustodyError, CustodyError } from '../errors.ts';
import type { Leaf } from '../ledger/leaf.ts';
import { openedLeaf } from '../ledger/leaves.ts';
import type { Slots } from '../slots.ts';
import { type Head, headSchema, type OpenStatement, openStatementSchema } from './format.ts';
import { CLOSE, OPEN, objectKey, segmentName, signatureName } from './layout.ts';
import type { RecordingSource, Signer } from './ports.ts';
import { type SegmentParts, splitSegment } from './read.ts';
import { sha256Hex } from './statements.ts';
import { parseStrictJson } from './verify/json.ts';
import { isVouched, type VouchingKeys, vouchingKeys } from './vouched.ts';

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
  readonly keys: VouchingKeys;
  segments: number;
  frames: number;
  bytes: number;
  /** SHA-256 of the last segment; of the open statement when there is none. */
  last: string;
  until: number;
  /** Its last segment is under a manifest: nothing follows it. */
  isOver: boolean;
}

/** What a chain is read from. */
export interface ChainSource {
  readonly store: Pick<RecordingSource, 'get'>;
  readonly signer: Pick<Signer, 'publicKey'>;
  /** Bytes of objects that are read at once. */
  readonly reading: Slots;
}

/** A segment as the session's keys vouch for it, wherever in the chain it belongs. */
export interface TrustedSegment {
  readonly head: Head;
  /** SHA-256 of the object. */
  readonly hash: string;
  readonly isUnderManifest: boolean;
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
    if (segment === undefined || !follows(segment, chain))
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
): Promise<TrustedSegment | undefined>[] {
  const read = async (name: string): Promise<TrustedSegment | undefined> => {
    const bytes = await store.get(objectKey(session, name));
    const { keys } = await opening;
    return vouchedSegment(bytes, keys);
  };
  const segments: Promise<TrustedSegment | undefined>[] = [];
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
  const keys = vouchingKeys(open);
  const openHash = sha256Hex(bytes);
  const empty = { segments: 0, frames: 0, bytes: 0, last: openHash, until: 0, isOver: false };
  return { session, open, openHash, opened: openedLeaf(open, bytes), signer: key, keys, ...empty };
}

/** The segment in these bytes, if the session's keys vouch for exactly this content at the next place in the chain. */
export function trustedSegment(bytes: Uint8Array, chain: Chain): TrustedSegment | undefined {
  const segment = vouchedSegment(bytes, chain.keys);
  return segment !== undefined && follows(segment, chain) ? segment : undefined;
}

function vouchedSegment(bytes: Uint8Array, keys: VouchingKeys): TrustedSegment | undefined {
  const parts = partsOf(bytes);
  if (parts === undefined || !isVouched(parts, keys)) return undefined;
  const head = headSchema.parse(parseStrictJson(parts.head));
  const { content, object } = hashesOf(bytes, parts);
  const fits = head.content === parts.content.byteLength && head.sha256 === content;
  return fits ? { head, hash: object, isUnderManifest: parts.manifest !== undefined } : undefined;
}

/** SHA-256 of the content and of the object: in one pass, but for the few that are under a manifest. */
function hashesOf(bytes: Uint8Array, { content, manifest }: SegmentParts) {
  if (manifest !== undefined) return { content: sha256Hex(content), object: sha256Hex(bytes) };
  const hash = createHash('sha256').update(content);
  const ofContent = hash.copy().digest('hex');
  return { content: ofContent, object: hash.update(bytes.subarray(content.byteLength)).digest('hex') };
}

function partsOf(bytes: Uint8Array): SegmentParts | undefined {
  try {
    return splitSegment(bytes);
  } catch (error) {
    if (asCustodyError(error).code !== 'format-invalid') throw error;
    return undefined;
  }
}

function follows({ head }: TrustedSegment, chain: Chain): boolean {
  const isNext = head.segment === chain.segments && head.previous === chain.last;
  return isNext && head.session === chain.session && !chain.isOver;
}

/** Counts one more segment in. */
export function extend(chain: Chain, { head, hash, isUnderManifest }: TrustedSegment): void {
  chain.segments += 1;
  chain.frames += head.frames;
  chain.bytes += head.bytes;
  chain.last = hash;
  chain.until = head.until;
  chain.isOver = isUnderManifest;
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
