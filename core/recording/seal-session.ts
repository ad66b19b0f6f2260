import { asCustodyError, CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { endedLeaf, enter, type LeafSink } from '../ledger/leaves.ts';
import { sideBySide } from '../side-by-side.ts';
import { type CloseStatement, closeStatementSchema } from './format.ts';
import { CLOSE, objectKey, segmentName, sessionPrefix, signatureName, wasNeverOpen } from './layout.ts';
import type { JournaledTail, RecordingSink, RecordingSource, Signer } from './ports.ts';
import { splitSegment } from './read.ts';
import {
  type Chain,
  type ChainSource,
  damaged,
  extend,
  isSignedBy,
  readChain,
  type TrustedSegment,
  trustedSegment,
} from './sealed-chain.ts';
import { outcomeOf } from './session-ends.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { boundText, statementBytes } from './statements.ts';
import { headBytes, segmentBytes } from './trailer.ts';

export interface SealerPorts {
  readonly store: RecordingSink & RecordingSource;
  readonly signer: Signer;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
}

/** A session whose gateway is gone. */
export interface Left {
  readonly session: string;
  /** What the journal holds of it. */
  readonly tails: readonly JournaledTail[];
  /** The journal has more of it, from a later segment on, or may have: it is not to be closed yet. */
  readonly isUnfinished?: boolean;
  readonly leaseEnded?: Date | undefined;
}

/** The names of a session's objects, with their sizes. */
export type Stored = ReadonlyMap<string, number>;

export type SealSessionPorts = Omit<SealerPorts, 'index'> & Pick<ChainSource, 'reading'>;

export function storedOf(session: string, store: RecordingSource): Promise<Stored> {
  return store.sizes(sessionPrefix(session));
}

export function isSealed(stored: Stored): boolean {
  return stored.has(CLOSE) && stored.has(signatureName(CLOSE));
}

/**
 * Seals a session from what the store and the journal have: the tails as segments, the close statement, its signature, its
 * leaves, in this order, so that whoever dies leaves what the next one goes on with. Resolves with how it ended; undefined where
 * it is not to be closed yet. Throws `state-damaged` rather than to seal what a verifier would refuse.
 */
export async function sealSession(
  left: Left,
  stored: Stored,
  ports: SealSessionPorts,
  now: Date,
): Promise<SessionOutcome | undefined> {
  const { session, tails } = left;
  if (tails.length === 0 && wasNeverOpen([...stored.keys()]) && !left.isUnfinished) return gatewayFailed(now);
  const [chain, close] = await Promise.all([
    readChain(session, stored, ports),
    readClose(session, stored, ports.store),
  ]);
  if (close !== undefined) {
    refuseMore(tails, chain);
    return finishClose(chain, close, ports);
  }
  const note = await putTails(tails, chain, ports.store);
  if (left.isUnfinished) return undefined;
  return closeChain(recoveredStatement(chain, note, now, left.leaseEnded), chain, ports);
}

/** A close statement that is stored, and its signature where there is one. */
interface StoredClose {
  readonly bytes: Uint8Array;
  readonly signature?: Uint8Array;
}

async function readClose(
  session: string,
  stored: Stored,
  store: RecordingSource,
): Promise<StoredClose | undefined> {
  if (!stored.has(CLOSE)) return undefined;
  const get = (name: string): Promise<Uint8Array> => store.get(objectKey(session, name));
  if (!stored.has(signatureName(CLOSE))) return { bytes: await get(CLOSE) };
  const [bytes, signature] = await Promise.all([get(CLOSE), get(signatureName(CLOSE))]);
  return { bytes, signature };
}

/** A gateway stores all segments before `close.json`: frames beyond it mean that somebody else wrote it. */
function refuseMore(tails: readonly JournaledTail[], chain: Chain): void {
  if (tails.some((tail) => trustedSegment(tailBytes(tail), chain) !== undefined)) {
    throw damaged(chain.session, `${CLOSE} leaves out frames that the journal holds`);
  }
}

/** Stores what the journal holds beyond the stored segments. Returns what is to be said about the rest. */
async function putTails(
  tails: readonly JournaledTail[],
  chain: Chain,
  store: SealerPorts['store'],
): Promise<string> {
  for (const tail of tails.toSorted((a, b) => a.segment - b.segment)) {
    const bytes = tailBytes(tail);
    const segment = trustedSegment(bytes, chain);
    if (segment === undefined) continue;
    const key = objectKey(chain.session, segmentName(tail.segment));
    const stored = await putUnlessThere(key, bytes, chain, store);
    extend(chain, bytes.equals(stored) ? segment : gatewaysOwn(stored, tail, chain));
  }
  const left = tails.some(({ segment }) => segment >= chain.segments);
  return left ? '; the journal held a tail that does not verify, which was left out' : '';
}

function tailBytes({ content, head, voucher }: JournaledTail): Buffer {
  return segmentBytes(content, { head: headBytes(head), ...voucher });
}

/** What the gateway itself put meanwhile, or before the list showed it: all that the journal has of the segment, or more. */
function gatewaysOwn(stored: Uint8Array, { segment, content }: JournaledTail, chain: Chain): TrustedSegment {
  const own = trustedSegment(stored, chain);
  if (own !== undefined && startsWith(splitSegment(stored).content, content)) return own;
  throw damaged(chain.session, `${segmentName(segment)} is another one`);
}

function startsWith(bytes: Uint8Array, start: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, start.byteLength), start) === 0;
}

/** Stores an object unless somebody has: another sealer, or this one before it died. Returns what is stored. */
async function putUnlessThere(
  key: string,
  bytes: Uint8Array,
  { open }: Chain,
  store: SealerPorts['store'],
): Promise<Uint8Array> {
  try {
    await store.put(key, bytes, open.retention);
    return bytes;
  } catch (error) {
    if (asCustodyError(error).code !== 'already-exists') throw error;
    return store.get(key);
  }
}

/** What is signed here is stored, or else nobody's: where another one is found in its place, that one is looked at. */
async function closeChain(
  statement: CloseStatement,
  chain: Chain,
  ports: SealSessionPorts,
): Promise<SessionOutcome> {
  const bytes = statementBytes(statement);
  const [stored, signature] = await sideBySide(
    putUnlessThere(objectKey(chain.session, CLOSE), bytes, chain, ports.store),
    ports.signer.sign(bytes),
  );
  const isOurs = Buffer.from(stored).equals(bytes);
  return finishClose(chain, { bytes: stored }, ports, isOurs ? signature : undefined);
}

/** `close.json` is there, by whoever: signs it, or checks its signature, only if it is what this chain needs. */
async function finishClose(
  chain: Chain,
  { bytes, signature: found }: StoredClose,
  { store, signer, leaves }: SealSessionPorts,
  made?: Uint8Array,
): Promise<SessionOutcome> {
  const statement = parseClose(chain.session, bytes);
  refuseForeignClose(statement, chain);
  const key = objectKey(chain.session, signatureName(CLOSE));
  const signing = async () =>
    found ?? (await putUnlessThere(key, made ?? (await signer.sign(bytes)), chain, store));
  // The gateway may have died before either leaf was entered; what is there already is not entered twice. An end never comes first.
  const [signature] = await sideBySide(signing(), enter(chain.opened, leaves));
  if (!isSignedBy(chain.signer, bytes, signature))
    throw damaged(chain.session, `${signatureName(CLOSE)} is not by this gateway's signer`);
  await enter(endedLeaf(statement, bytes), leaves);
  return outcomeOf(statement);
}

function recoveredStatement(
  chain: Chain,
  note: string,
  now: Date,
  leaseEnded: Date | undefined,
): CloseStatement {
  const { session, open, openHash, segments, frames, bytes, last, until } = chain;
  const task = boundText(open.gateway.task);
  const known = leaseEnded === undefined ? '' : ` (its lease ended at ${leaseEnded.toISOString()})`;
  return {
    type: 'custody/close/1',
    session,
    endedAt: new Date(Date.parse(open.startedAt) + until / 1000).toISOString(),
    reason: 'recovered',
    recovered: true,
    recordedUntil: until,
    segments,
    frames,
    bytes,
    open: openHash,
    last,
    signer: open.signer,
    detail: `gateway task ${task} stopped without sealing${known}; sealed at ${now.toISOString()}${note}`,
  };
}

/** Only what this program's own writer makes, to the byte: it leaves nothing for two readers to read differently. */
function parseClose(session: string, bytes: Uint8Array): CloseStatement {
  try {
    const json: unknown = parseJson(Buffer.from(bytes).toString());
    closeStatementSchema.strict().parse(json);
    const statement = json as CloseStatement;
    if (Buffer.from(statementBytes(statement)).equals(bytes)) return statement;
  } catch {
    // Said below.
  }
  throw damaged(session, `${CLOSE} is not a close statement that this gateway wrote`);
}

function refuseForeignClose(statement: CloseStatement, chain: Chain): void {
  const fits =
    statement.session === chain.session &&
    statement.open === chain.openHash &&
    statement.signer === chain.open.signer &&
    statement.last === chain.last &&
    statement.segments === chain.segments &&
    statement.frames === chain.frames &&
    statement.bytes === chain.bytes &&
    statement.recordedUntil >= chain.until;
  if (!fits) throw damaged(chain.session, `${CLOSE} does not fit its segments`);
}

function gatewayFailed(now: Date): SessionOutcome {
  const endedAt = now.toISOString();
  return { endedAt, reason: 'gateway-failed', recovered: true, segments: 0, frames: 0, bytes: 0 };
}

/** What could not be done for a session, in words that name it. */
export function cannotSeal(session: string, cause: unknown): CustodyError {
  if (cause instanceof CustodyError && cause.message.includes(session)) return cause;
  const { message, detail = message } = asCustodyError(cause);
  return new CustodyError('recording-failed', `session ${session} cannot be sealed now`, {
    hint: 'it is tried again, at the latest by the next start; until then its evidence is incomplete',
    detail,
    cause,
  });
}
