import { refusalError } from '#core/access/decide.ts';
import { type Presence, watcherOf } from '#core/access/presence.ts';
import { CustodyError } from '#core/errors.ts';
import type { Standing } from '#core/identity/standing.ts';
import type { JournalTails } from '#core/recording/live/ports.ts';
import { readLive } from '#core/recording/live/reading.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog, SessionRecord } from '#core/recording/session-index.ts';
import { READERS } from '#core/replay/readers.ts';
import type { Asking, AskingPorts } from '../../asking.ts';
import { type ApiEvent, type ApiResult, queryOf } from '../../http.ts';
import { isRedacted, type LookPorts, looked } from '../looked.ts';
import { mayRead } from '../visible.ts';
import { itemsOf, LiveFrames } from './items.ts';
import { type LiveEvent, type LiveQuery, liveQuery } from './shape.ts';
import { Watching } from './watching.ts';

/** What a watch needs besides what a look at a recording does. */
export interface LivePorts {
  readonly tails: JournalTails;
  /** What became known of the caller since their token was verified. */
  readonly standing: Standing;
  readonly pause: (ms: number) => Promise<void>;
  /** How often it is looked whether more is durable, milliseconds. */
  readonly pollMs: number;
  /** Who watches sessions that run only while somebody does. */
  readonly presence: Presence;
  /** Sessions without an outcome, oldest first. */
  readonly unsealed: () => Promise<readonly SessionRecord[]>;
  /**
   * Where answers cannot be streamed: how long one may wait for something to say. It is given as soon as there is; the client asks
   * again from there.
   */
  readonly answerMs?: number;
}

interface Ports extends AskingPorts, LookPorts {
  readonly catalog: Pick<SessionCatalog, 'get'>;
  readonly source: RecordingSource;
  readonly signer: () => Promise<Uint8Array>;
}

/** An answer that goes on: who serves it writes each text as it comes, and takes no more than the client does. */
export interface StreamedResult extends ApiResult {
  readonly stream?: AsyncIterable<string>;
}

/** Characters of an answer that is not streamed, about: below the 6 MB that a function may answer. */
const ANSWER_MAX_CHARACTERS = 1 << 20;
/** Watches that wait for their client to ask again, where answers are not streamed. */
const KEPT_MAX = 16;
/** Of one person at once, where answers are streamed. */
const STREAMS_MAX = 32;
/** A client that makes that a session may run has to ask again within this time: one that is stopped makes nothing run. */
const MODERATED_ANSWER_MS = 10_000;
/** For the client: how soon to ask again, milliseconds. */
const RETRY_MS = 250;

/** GET /v1/sessions/{id}/live. What it keeps between calls saves reading again, and is never needed. */
export function liveAnswers(
  ports: Ports,
  live: LivePorts,
): (session: SessionRecord, event: ApiEvent, asking: Asking) => Promise<StreamedResult> {
  const kept = new Map<string, Watching>();
  const streams = new Map<string, number>();
  return async (session, event, asking) => {
    const query = queryOf(liveQuery, event);
    const after = resumeAt(event);
    const permission = mayRead(session, asking);
    if ('code' in permission) throw refusalError(permission);
    refuseTooMany(streams, asking);
    const key = JSON.stringify([
      asking.policy.version,
      session.id,
      // Another token of the same person may let them see less (security case 12).
      asking.caller,
      asking.context,
      query,
    ]);
    const goesOn = taken(kept, key, after);
    const watching = goesOn ?? (await begin(session, query, after, asking, ports, live));
    watching.lookAgain();
    const goOn = (): void => keep(kept, key, watching);
    if (live.answerMs === undefined) {
      const limitMs = isModerated(session, ports) ? MODERATED_ANSWER_MS : Number.POSITIVE_INFINITY;
      const who = JSON.stringify([asking.caller.issuer, asking.caller.subject]);
      return { ...HEAD, stream: counted(streams, who, streamed(watching, limitMs, ports.now, goOn)) };
    }
    const body = await bounded(watching, live.answerMs, live.pause);
    if (!watching.isOver) goOn();
    return { ...HEAD, body };
  };
}

const HEAD = {
  statusCode: 200,
  headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
};

/** The number of the last step that the client has. Anything else than one of our ids is refused, never passed over. */
function resumeAt({ headers }: ApiEvent): number | undefined {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new CustodyError('format-invalid', 'Last-Event-ID is not an id of this stream');
}

async function begin(
  session: SessionRecord,
  query: LiveQuery,
  after: number | undefined,
  asking: Asking,
  ports: Ports,
  live: LivePorts,
): Promise<Watching> {
  const part = `live from ${after === undefined && query.from === 'now' ? 'now' : `step ${(after ?? 0) + 1}`}`;
  const { redaction } = await looked(asking, session, 'replay', part, ports);
  if (query.view === 'terminal' && redaction?.withholdsTerminal === true) throw noTerminal(session);
  const reader = READERS.get(session.protocol);
  if (reader === undefined)
    throw new CustodyError('unsupported', `what is done over ${session.protocol} cannot be read here`);
  const name = { session: session.id, task: session.task };
  const signer = await ports.signer();
  const parts = readLive(name, { source: ports.source, tails: live.tails, signer });
  const frames = new LiveFrames(parts, () => live.pause(live.pollMs));
  return new Watching({
    frames,
    items: itemsOf(frames, reader, query),
    startedAt: session.startedAt,
    after,
    fromNow: query.from === 'now' && after === undefined,
    columns: query.text,
    record: () => ports.catalog.get(session.id),
    refusal: () => refusalNow(session, asking, redaction !== undefined, ports, live),
    renew: () => renewed(session, asking, ports, live),
    seen: (item) => ('step' in item && redaction ? { step: redaction.step(item.step) } : item),
    now: ports.now,
    pause: live.pause,
  });
}

function seenOtherwise({ id }: SessionRecord): CustodyError {
  return new CustodyError('evidence-redacted', 'the rules of what you may see of this session have changed', {
    hint: `begin again: custody watch ${id}`,
  });
}

/** What is left out of a text may stand across pieces of a terminal's output, and across what moves its cursor. */
function noTerminal({ id }: SessionRecord): CustodyError {
  return new CustodyError('evidence-redacted', 'the terminal shows what you may not see', {
    hint: `custody watch ${id} shows what is left of the steps`,
  });
}

/** Under the configuration as it is now, with what is known of the caller now: their token's time, a logout. */
async function refusalNow(
  session: SessionRecord,
  asking: Asking,
  wasRedacted: boolean,
  { policy, now }: AskingPorts,
  { standing }: LivePorts,
): Promise<CustodyError | undefined> {
  const again = { ...asking, policy: policy(), now: now() };
  const decision = mayRead(session, again);
  if ('code' in decision) return refusalError(decision);
  if (isRedacted(session, again, decision) !== wasRedacted) return seenOtherwise(session);
  const [ending] = await standing.over([asking.caller]);
  return ending?.error;
}

/** Only behind a look at the caller's permission: each renewal is theirs anew. */
async function renewed(
  session: SessionRecord,
  { caller }: Asking,
  ports: AskingPorts,
  { presence }: LivePorts,
): Promise<void> {
  if (isModerated(session, ports))
    await presence.renew(watcherOf(caller, session.id, ports.policy(), ports.now()));
}

/** `goOn`: keeps it for the client, who asks again once the time of this answer is over. */
async function* streamed(
  watching: Watching,
  limitMs: number,
  now: () => Date,
  goOn: () => void,
): AsyncGenerator<string, void, undefined> {
  const until = now().getTime() + limitMs;
  let isKept = false;
  try {
    yield `: a running session, as it becomes durable\nretry: ${RETRY_MS}\n\n`;
    for await (const event of watching.events()) {
      yield sse(event);
      isKept = !watching.isOver && now().getTime() >= until;
      if (isKept) return goOn();
    }
  } finally {
    if (!isKept) watching.stop();
  }
}

/** One who watches costs memory for as long as they do: no person has more than this many at once (security case 16). */
function refuseTooMany(streams: ReadonlyMap<string, number>, { caller: { issuer, subject } }: Asking): void {
  if ((streams.get(JSON.stringify([issuer, subject])) ?? 0) < STREAMS_MAX) return;
  throw new CustodyError('precondition-failed', `you are watching ${STREAMS_MAX} sessions already`, {
    hint: 'end one of them first',
  });
}

async function* counted(
  streams: Map<string, number>,
  who: string,
  stream: AsyncGenerator<string, void, undefined>,
): AsyncGenerator<string, void, undefined> {
  streams.set(who, (streams.get(who) ?? 0) + 1);
  try {
    yield* stream;
  } finally {
    const left = streams.get(who)! - 1;
    if (left === 0) streams.delete(who);
    else streams.set(who, left);
  }
}

function isModerated({ rule }: SessionRecord, { policy }: AskingPorts): boolean {
  return policy().rules.find(({ name }) => name === rule)?.moderated !== undefined;
}

/** All that can be said now, or the first that can be within the time. */
async function bounded(watching: Watching, ms: number, pause: LivePorts['pause']): Promise<string> {
  let body = `retry: ${RETRY_MS}\n\n`;
  let isOver = false;
  const over = pause(ms).then(() => void (isOver = true));
  let shown = 0;
  for await (const event of watching.events()) {
    body += sse(event);
    if (event.event !== 'lag') shown += 1;
    // A lag says that there was nothing to be had for a second.
    if (isOver || body.length >= ANSWER_MAX_CHARACTERS || (shown > 0 && event.event === 'lag')) break;
  }
  void over;
  return body;
}

function sse(event: LiveEvent): string {
  const id = 'id' in event && event.id !== undefined ? `id: ${event.id}\n` : '';
  return `${id}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** One that stands exactly where the client is. */
function taken(kept: Map<string, Watching>, key: string, after: number | undefined): Watching | undefined {
  const watching = kept.get(key);
  kept.delete(key);
  if (watching === undefined || watching.n === (after ?? 0)) return watching;
  watching.stop();
  return undefined;
}

function keep(kept: Map<string, Watching>, key: string, watching: Watching): void {
  kept.get(key)?.stop();
  kept.set(key, watching);
  for (const [oldest, one] of kept) {
    if (kept.size <= KEPT_MAX) return;
    one.stop();
    kept.delete(oldest);
  }
}
