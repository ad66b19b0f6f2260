import { createPublicKey, verify as verifySignature } from 'node:crypto';
import { CustodyError } from '../errors.ts';
import {
  type CloseStatement,
  closeStatementSchema,
  type Head,
  HEAD_BYTES,
  headSchema,
  type OpenStatement,
  openStatementSchema,
  SIGNATURE_BYTES,
  TRAILER_BYTES,
} from './format.ts';
import {
  CLOSE,
  OPEN,
  objectKey,
  segmentName,
  segmentNumber,
  sessionPrefix,
  signatureName,
} from './layout.ts';
import type { JournaledTail, RecordingSink, RecordingSource, Signer } from './ports.ts';
import { outcomeOf } from './recorder.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { sha256Hex, statementBytes } from './statements.ts';

export interface SealerPorts {
  readonly store: RecordingSink & RecordingSource;
  readonly signer: Signer;
  readonly index: SessionIndex;
}

/**
 * Seals every session in the index that has no outcome, from what the store and the journal hold. The caller makes
 * sure that no gateway holds them any more. Safe to repeat: what is sealed already is only listed as such.
 * Returns how many it sealed.
 */
export async function sealAbandoned(
  tails: readonly JournaledTail[],
  ports: SealerPorts,
  now: Date,
): Promise<number> {
  const abandoned = await ports.index.unsealed();
  for (const { id } of abandoned) {
    const own = tails.filter((tail) => tail.session === id);
    await ports.index.closed(id, await sealSession(id, own, ports, now));
  }
  return abandoned.length;
}

async function sealSession(
  session: string,
  tails: readonly JournaledTail[],
  ports: SealerPorts,
  now: Date,
): Promise<SessionOutcome> {
  const names = await ports.store.list(sessionPrefix(session));
  if (!names.includes(OPEN)) return neverOpened(now);
  if (names.includes(CLOSE)) return finishClose(session, names, ports);
  const chain = await readChain(session, names, ports.store);
  const tail = tails.find(({ segment }) => segment === chain.segments);
  const tailHead = tail === undefined ? undefined : trustedHead(tail, chain);
  if (tail !== undefined && tailHead !== undefined) await putTail(tail, tailHead, chain, ports);
  const statement = await recoveredStatement(chain, tail !== undefined && tailHead === undefined, ports, now);
  return storeSealed(statement, ports);
}

/** What is known of a session's stored segments. */
interface Chain {
  readonly session: string;
  readonly open: OpenStatement;
  readonly openHash: string;
  segments: number;
  frames: number;
  bytes: number;
  last: string;
  until: number;
}

async function readChain(session: string, names: readonly string[], store: RecordingSource): Promise<Chain> {
  const openBytes = await store.get(objectKey(session, OPEN));
  const openHash = sha256Hex(openBytes);
  const open = openStatementSchema.parse(JSON.parse(Buffer.from(openBytes).toString()));
  const chain: Chain = {
    session,
    open,
    openHash,
    segments: 0,
    frames: 0,
    bytes: 0,
    last: openHash,
    until: 0,
  };
  const stored = new Set(names.map(segmentNumber));
  while (stored.has(chain.segments)) {
    const segment = await store.get(objectKey(session, segmentName(chain.segments)));
    extend(chain, parseHead(segment.subarray(segment.byteLength - TRAILER_BYTES)), sha256Hex(segment));
  }
  return chain;
}

function extend(chain: Chain, head: Head, hash: string): void {
  chain.segments += 1;
  chain.frames += head.frames;
  chain.bytes += head.bytes;
  chain.last = hash;
  chain.until = head.until;
}

function parseHead(trailer: Uint8Array): Head {
  return headSchema.parse(JSON.parse(Buffer.from(trailer.subarray(8, 8 + HEAD_BYTES)).toString()));
}

/** The tail's head, if the session key signed it for exactly this content and this place in the chain. */
function trustedHead(tail: JournaledTail, chain: Chain): Head | undefined {
  const signed = tail.trailer.subarray(8, 8 + HEAD_BYTES);
  const signature = tail.trailer.subarray(TRAILER_BYTES - SIGNATURE_BYTES);
  const key = createPublicKey({
    key: Buffer.from(chain.open.recorder, 'base64'),
    format: 'der',
    type: 'spki',
  });
  if (!verifySignature(null, signed, key, signature)) return undefined;
  const head = parseHead(tail.trailer);
  const fits =
    head.session === chain.session &&
    head.segment === chain.segments &&
    head.previous === chain.last &&
    head.sha256 === sha256Hex(tail.content);
  return fits ? head : undefined;
}

async function putTail(tail: JournaledTail, head: Head, chain: Chain, ports: SealerPorts): Promise<void> {
  const bytes = Buffer.concat([tail.content, tail.trailer]);
  await ports.store.put(objectKey(chain.session, segmentName(tail.segment)), bytes);
  extend(chain, head, sha256Hex(bytes));
}

async function recoveredStatement(
  chain: Chain,
  tailRefused: boolean,
  ports: SealerPorts,
  now: Date,
): Promise<CloseStatement> {
  const { session, open, openHash, segments, frames, bytes, last, until } = chain;
  const refused = tailRefused ? '; the journal held a tail that does not verify, which was left out' : '';
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
    signer: sha256Hex(await ports.signer.publicKey()),
    detail: `gateway task ${open.gateway.task} stopped without sealing; sealed at ${now.toISOString()}${refused}`,
  };
}

async function storeSealed(statement: CloseStatement, ports: SealerPorts): Promise<SessionOutcome> {
  const bytes = statementBytes(statement);
  await ports.store.put(objectKey(statement.session, CLOSE), bytes);
  await putSignature(statement.session, bytes, ports);
  return outcomeOf(statement);
}

/** `close.json` is there; the gateway may have died before its signature or the index. Signs only what fits the chain. */
async function finishClose(
  session: string,
  names: readonly string[],
  ports: SealerPorts,
): Promise<SessionOutcome> {
  const bytes = await ports.store.get(objectKey(session, CLOSE));
  const statement = closeStatementSchema.parse(JSON.parse(Buffer.from(bytes).toString()));
  if (!names.includes(signatureName(CLOSE))) {
    const chain = await readChain(session, names, ports.store);
    refuseForeignClose(statement, chain);
    await putSignature(session, bytes, ports);
  }
  return outcomeOf(statement);
}

function refuseForeignClose(statement: CloseStatement, chain: Chain): void {
  const fits =
    statement.session === chain.session &&
    statement.open === chain.openHash &&
    statement.last === chain.last &&
    statement.segments === chain.segments &&
    statement.frames === chain.frames &&
    statement.bytes === chain.bytes;
  if (fits) return;
  throw new CustodyError(
    'state-damaged',
    `session ${chain.session} has a close statement that does not fit it`,
    {
      hint: 'somebody wrote to the store; keep the folder as it is and look into it',
    },
  );
}

async function putSignature(
  session: string,
  bytes: Uint8Array,
  { store, signer }: SealerPorts,
): Promise<void> {
  await store.put(objectKey(session, signatureName(CLOSE)), await signer.sign(bytes));
}

function neverOpened(now: Date): SessionOutcome {
  const endedAt = now.toISOString();
  return { endedAt, reason: 'gateway-failed', recovered: true, segments: 0, frames: 0, bytes: 0 };
}
