import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import type { Leaf } from '../ledger/leaf.ts';
import { openedLeaf } from '../ledger/leaves.ts';
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

/**
 * Reads the open statement and all segments of a session and checks signatures, numbers and hashes, so that nothing is
 * sealed that a verifier would refuse. `names`: all objects of the session. Throws `state-damaged`.
 */
export async function readChain(
  session: string,
  names: readonly string[],
  store: RecordingSource,
  signer: Signer,
): Promise<Chain> {
  for (const name of [OPEN, signatureName(OPEN)]) {
    if (!names.includes(name)) throw damaged(session, `${name} is missing`);
  }
  const chain = await readOpen(session, store, signer);
  while (names.includes(segmentName(chain.segments))) {
    const segment = await store.get(objectKey(session, segmentName(chain.segments)));
    const trailer = segment.subarray(Math.max(0, segment.byteLength - TRAILER_BYTES));
    const head = trustedHead(segment.subarray(0, -TRAILER_BYTES), trailer, chain);
    if (head === undefined) throw damaged(session, `${segmentName(chain.segments)} does not verify`);
    extend(chain, head, sha256Hex(segment));
  }
  refuseForeign(chain, names);
  return chain;
}

async function readOpen(session: string, store: RecordingSource, signer: Signer): Promise<Chain> {
  const bytes = await store.get(objectKey(session, OPEN));
  const signature = await store.get(objectKey(session, signatureName(OPEN)));
  const key = createPublicKey({ key: Buffer.from(await signer.publicKey()), format: 'der', type: 'spki' });
  if (!isSignedBy(key, bytes, signature)) {
    throw damaged(session, `${OPEN} is not signed by this gateway's signer`);
  }
  const open = openStatementSchema.parse(parseStrictJson(bytes));
  if (open.session !== session) throw damaged(session, `${OPEN} is of session ${open.session}`);
  const der = Buffer.from(open.recorder, 'base64');
  const recorder = createPublicKey({ key: der, format: 'der', type: 'spki' });
  const openHash = sha256Hex(bytes);
  const empty = { segments: 0, frames: 0, bytes: 0, last: openHash, until: 0 };
  return { session, open, openHash, opened: openedLeaf(open, bytes), signer: key, recorder, ...empty };
}

/** The head in `trailer`, if the session key signed it for exactly this content and the next place in the chain. */
export function trustedHead(content: Uint8Array, trailer: Uint8Array, chain: Chain): Head | undefined {
  if (trailer.byteLength !== TRAILER_BYTES) return undefined;
  const signed = trailer.subarray(8, 8 + HEAD_BYTES);
  const signature = trailer.subarray(TRAILER_BYTES - SIGNATURE_BYTES);
  if (!isSkippable(trailer) || !verify(null, signed, chain.recorder, signature)) return undefined;
  const head = headSchema.parse(parseStrictJson(signed));
  const fits =
    head.session === chain.session &&
    head.segment === chain.segments &&
    head.previous === chain.last &&
    head.content === content.byteLength &&
    head.sha256 === sha256Hex(content);
  return fits ? head : undefined;
}

/** The first 8 bytes of a trailer, which its signature does not cover. */
function isSkippable(trailer: Uint8Array): boolean {
  const view = new DataView(trailer.buffer, trailer.byteOffset);
  return view.getUint32(0, true) === SKIPPABLE_MAGIC && view.getUint32(4, true) === TRAILER_BYTES - 8;
}

/** Counts one more segment in. */
export function extend(chain: Chain, head: Head, hash: string): void {
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
