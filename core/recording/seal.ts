import { asCustodyError, CustodyError } from '../errors.ts';
import { parseJson } from '../json.ts';
import { endedLeaf, enter, type LeafSink } from '../ledger/leaves.ts';
import { type CloseStatement, closeStatementSchema } from './format.ts';
import { CLOSE, objectKey, segmentName, sessionPrefix, signatureName, wasNeverOpen } from './layout.ts';
import type { LeaseBook, TaskLease } from './leases.ts';
import type { JournaledTail, JournalRemains, RecordingSink, RecordingSource, Signer } from './ports.ts';
import { type Chain, damaged, extend, isSignedBy, readChain, trustedHead } from './sealed-chain.ts';
import { closeInList, outcomeOf } from './session-ends.ts';
import type { SessionIndex, SessionOutcome } from './session-index.ts';
import { boundText, sha256Hex, statementBytes } from './statements.ts';

/** Every lease ends before it. */
const END_OF_TIME = new Date(8.64e15);

export interface SealerPorts {
  readonly store: RecordingSink & RecordingSource;
  readonly signer: Signer;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
}

export interface Sealing {
  /** How many sessions were sealed. */
  readonly sealed: number;
  /** Those that could not be sealed: keep their tails in the journal and tell the operator. */
  readonly failures: readonly SealFailure[];
}

export interface SealFailure {
  readonly session: string;
  /** Its message names the session. */
  readonly error: CustodyError;
}

/** What is known of the task whose sessions are sealed. */
export interface Abandoned {
  /** Only sessions of this task; of every task when not given. */
  readonly task?: string;
  readonly leaseEnded?: Date;
}

/**
 * Takes over from every task whose lease ended before `time`: fences it, then seals its sessions, then forgets its journal.
 * A task that renews in time is left alone; one that wakes up later finds that it may not continue. Safe to repeat and to
 * run twice at once. A task whose remains cannot be read stops no other: it rejects with what is in the way once all were tried.
 */
export async function sealEnded(
  book: LeaseBook,
  remainsOf: (task: string) => JournalRemains,
  ports: SealerPorts,
  time: Date,
): Promise<Sealing> {
  const done: Sealing[] = [];
  const troubles: unknown[] = [];
  for (const lease of await book.endedBefore(time)) {
    try {
      if (await book.fence(lease)) done.push(await sealTask(lease, book, remainsOf(lease.task), ports, time));
    } catch (trouble) {
      troubles.push(trouble);
    }
  }
  if (troubles.length > 0) throw troubles[0];
  return together(done);
}

/**
 * Seals what the index has as open though its task was sealed and forgotten: an index may show a session late. A task has its
 * lease before its first session, and only a fenced one loses it. Safe to repeat and to run twice at once.
 */
export async function sealForgotten(
  book: LeaseBook,
  remainsOf: (task: string) => JournalRemains,
  ports: SealerPorts,
  now: Date,
): Promise<Sealing> {
  // The sessions first, then the leases.
  const open = await ports.index.unsealed();
  const leases = await book.endedBefore(END_OF_TIME);
  const leased = new Set(leases.map(({ task }) => task));
  const forgotten = new Set(open.map(({ task }) => task).filter((task) => !leased.has(task)));
  const done: Sealing[] = [];
  for (const task of forgotten) {
    done.push(await sealAbandoned(await remainsOf(task).tails(), ports, now, { task }));
  }
  return together(done);
}

/** As one. */
export function together(done: readonly Sealing[]): Sealing {
  return {
    sealed: done.reduce((n, { sealed }) => n + sealed, 0),
    failures: done.flatMap(({ failures }) => failures),
  };
}

async function sealTask(
  { task, until }: TaskLease,
  book: LeaseBook,
  remains: JournalRemains,
  ports: SealerPorts,
  time: Date,
): Promise<Sealing> {
  // Read after the fence: what the task was told is durable is there by now.
  const tails = await remains.tails();
  const done = await sealAbandoned(tails, ports, time, { task, leaseEnded: until });
  await remains.clear(new Set(done.failures.map(({ session }) => session)));
  if (done.failures.length === 0) await book.forget(task);
  return done;
}

/**
 * Seals every session that the index has no outcome for, or whose tail the journal still holds, from what the store and
 * the journal have. The caller makes sure that no gateway holds them any more. Safe to repeat and to run twice at once.
 * A session that cannot be sealed stops no other. Rejects only when the index cannot be read.
 */
export async function sealAbandoned(
  tails: readonly JournaledTail[],
  ports: SealerPorts,
  now: Date,
  of: Abandoned = {},
): Promise<Sealing> {
  const listed = await ports.index.unsealed();
  const unsealed = new Set(
    listed.filter(({ task }) => of.task === undefined || task === of.task).map(({ id }) => id),
  );
  const tailsOf = Map.groupBy(tails, ({ session }) => session);
  const failures: SealFailure[] = [];
  let sealed = 0;
  for (const session of new Set([...unsealed, ...tailsOf.keys()])) {
    try {
      if (!unsealed.has(session) && (await isSealed(session, ports.store))) continue;
      const outcome = await sealTwice(session, tailsOf.get(session) ?? [], ports, { now, ...of });
      await closeInList(ports.index, session, outcome);
      sealed += 1;
    } catch (cause) {
      failures.push({ session, error: cannotSeal(session, cause) });
    }
  }
  return { sealed, failures };
}

/** The journal may keep what is in the store already. */
async function isSealed(session: string, store: RecordingSource): Promise<boolean> {
  const names = await store.list(sessionPrefix(session));
  return names.includes(CLOSE) && names.includes(signatureName(CLOSE));
}

function cannotSeal(session: string, cause: unknown): CustodyError {
  if (cause instanceof CustodyError && cause.message.includes(session)) return cause;
  const { message, detail = message } = asCustodyError(cause);
  return new CustodyError('recording-failed', `session ${session} cannot be sealed now`, {
    hint: 'it is tried again, at the latest by the next start; until then its evidence is incomplete',
    detail,
    cause,
  });
}

/** Another sealer may be at the same session: what looks damaged in the midst of its work looks whole behind it. */
async function sealTwice(...work: Parameters<typeof sealSession>): Promise<SessionOutcome> {
  return sealSession(...work).catch((error: unknown) => {
    if (asCustodyError(error).code !== 'state-damaged') throw error;
    return sealSession(...work);
  });
}

async function sealSession(
  session: string,
  tails: readonly JournaledTail[],
  ports: SealerPorts,
  when: { readonly now: Date } & Abandoned,
): Promise<SessionOutcome> {
  const { now } = when;
  const { store, signer } = ports;
  const names = await store.list(sessionPrefix(session));
  if (tails.length === 0 && wasNeverOpen(names)) return gatewayFailed(now);
  const chain = await readChain(session, names, store, signer);
  if (names.includes(CLOSE)) refuseMore(tails, chain);
  else {
    const note = await putTails(tails, chain, store);
    await putUnlessThere(
      objectKey(session, CLOSE),
      statementBytes(recoveredStatement(chain, note, when)),
      chain,
      store,
    );
  }
  return finishClose(chain, names.includes(signatureName(CLOSE)), ports);
}

/** A gateway stores all segments before `close.json`: frames beyond it mean that somebody else wrote it. */
function refuseMore(tails: readonly JournaledTail[], chain: Chain): void {
  if (tails.some(({ content, trailer }) => trustedHead(content, trailer, chain) !== undefined)) {
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
    const head = trustedHead(tail.content, tail.trailer, chain);
    if (head === undefined) continue;
    const bytes = Buffer.concat([tail.content, tail.trailer]);
    const key = objectKey(chain.session, segmentName(tail.segment));
    const stored = await putUnlessThere(key, bytes, chain, store);
    if (!bytes.equals(stored)) throw damaged(chain.session, `${segmentName(tail.segment)} is another one`);
    extend(chain, head, sha256Hex(bytes));
  }
  const left = tails.some(({ segment }) => segment >= chain.segments);
  return left ? '; the journal held a tail that does not verify, which was left out' : '';
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

function recoveredStatement(
  chain: Chain,
  note: string,
  { now, leaseEnded }: { readonly now: Date } & Abandoned,
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

/** `close.json` is there, by whoever: signs it, or checks its signature, only if it is what this chain needs. */
async function finishClose(
  chain: Chain,
  isSigned: boolean,
  { store, signer, leaves }: SealerPorts,
): Promise<SessionOutcome> {
  const bytes = await store.get(objectKey(chain.session, CLOSE));
  const statement = parseClose(chain.session, bytes);
  refuseForeignClose(statement, chain);
  const key = objectKey(chain.session, signatureName(CLOSE));
  const signature = isSigned
    ? await store.get(key)
    : await putUnlessThere(key, await signer.sign(bytes), chain, store);
  if (!isSignedBy(chain.signer, bytes, signature))
    throw damaged(chain.session, `${signatureName(CLOSE)} is not by this gateway's signer`);
  // The gateway may have died before either was entered; what is there already is not entered twice.
  await enter(chain.opened, leaves);
  await enter(endedLeaf(statement, bytes), leaves);
  return outcomeOf(statement);
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
