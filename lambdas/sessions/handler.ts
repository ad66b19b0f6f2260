import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { refusalError } from '#core/access/decide.ts';
import { personOf } from '#core/access/person.ts';
import type { Terminations } from '#core/access/store.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Checkpoint } from '#core/ledger/checkpoint.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import { type FindLeaves, proveSession } from '#core/ledger/prove-session.ts';
import { sessionProofSchema } from '#core/ledger/session-proof.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { lowestIdAt, timeOfId } from '#core/recording/session-id.ts';
import type {
  SessionCatalog,
  SessionPage,
  SessionQuery,
  SessionRecord,
} from '#core/recording/session-index.ts';
import { isNamed, mergePages } from '#core/recording/session-page.ts';
import type { EvidenceLinks } from '#core/replay/links.ts';
import { Redactions } from '#core/replay/redact/redactions.ts';
import { type Asking, askingOf } from '../asking.ts';
import {
  type ApiEvent,
  type ApiResult,
  bodyOf,
  type HttpHandler,
  httpHandler,
  json,
  queryOf,
} from '../http.ts';
import type { FaultLog } from '../problem.ts';
import {
  evidenceQuery,
  evidenceShape,
  sessionId,
  sessionPageShape,
  sessionShape,
  sessionsQuery,
  terminationBody,
  terminationShape,
} from '../shapes.ts';
import { evidencePage } from './evidence.ts';
import { exportAnswer } from './export.ts';
import { KnownResults } from './known-results.ts';
import { type LivePorts, liveAnswers } from './live/answer.ts';
import { livePage } from './live/list.ts';
import { type LookPorts, looked, lookedAtEvidence, mayLook } from './looked.ts';
import { outlineOf, outlineShape } from './outline.ts';
import { permitRerun, rerunBody, rerunShape } from './reruns.ts';
import { rowsPage, rowsPart, rowsQuery, rowsShape } from './rows.ts';
import { partOf, stepsQuery, stepsShape } from './step-shape.ts';
import { type Indexes, stepsPage } from './steps.ts';
import { summaryOf, summaryShape } from './summary.ts';
import { decideFor, isKnown, isListed, visibleQueries } from './visible.ts';

/** The ledger as a reader sees it. */
export interface LedgerView {
  /** The newest checkpoint; undefined while the ledger is empty. */
  readonly newest: () => Promise<{ readonly note: string; readonly checkpoint: Checkpoint } | undefined>;
  readonly fetch: FetchTile;
  /** Absent: a session's leaves are found by reading the ledger from its start. */
  readonly find?: FindLeaves;
}

export interface SessionsPorts {
  readonly catalog: SessionCatalog;
  readonly policy: () => Config;
  readonly links: EvidenceLinks;
  readonly source: RecordingSource;
  readonly leaves: LeafSink;
  readonly ledger: LedgerView;
  /** The key that statements are signed with (SPKI, DER). */
  readonly signer: () => Promise<Uint8Array>;
  readonly terminations: Pick<Terminations, 'ask'>;
  /** Absent: running sessions are not watched here. */
  readonly live?: LivePorts;
  /** Absent: nobody makes indexes; what is too large to be decoded at once cannot be looked at. */
  readonly indexes?: Indexes;
  readonly now: () => Date;
  readonly log: FaultLog;
}

const PATH =
  /^\/v1\/sessions(?:\/(?<id>[^/]+)(?:\/(?<part>evidence|export|steps|ledger|termination|live|summary|reruns|outline)|\/steps\/(?<step>[1-9]\d{0,14})\/rows)?)?$/;

/** GET /v1/sessions, /v1/sessions/{id}, /v1/sessions/{id}/evidence, /steps, /steps/{number}/rows, /outline, /summary, /live and /ledger; POST /v1/sessions/{id}/termination and /reruns. */
export function sessionsHandler(ports: SessionsPorts): HttpHandler {
  const looks = { leaves: ports.leaves, redactions: new Redactions() };
  const results = new KnownResults();
  const live = ports.live && liveAnswers({ ...ports, ...looks }, ports.live);
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    const path = PATH.exec(event.rawPath);
    if (path === null) throw new CustodyError('not-found', 'there is nothing here');
    const { id, part, step } = path.groups!;
    if (id === undefined) {
      const query = queryOf(sessionsQuery, event);
      return json(sessionPageShape, await listed(query, asking, ports));
    }
    const session = await knownSession(id, asking, ports.catalog);
    if (part === 'termination') return terminate(session, event, asking, ports);
    if (part === 'reruns')
      return json(rerunShape, await permitRerun(session, bodyOf(rerunBody, event), asking, ports.leaves));
    if (part === 'live' && live !== undefined) return live(session, event, asking);
    if (part === 'evidence') return evidenceAnswer(session, event, asking, ports);
    if (step !== undefined)
      return rowsAnswer(session, Number(step), event, asking, { ...ports, ...looks, results });
    if (part === 'outline') return outlineAnswer(session, asking, ports, looks);
    if (part === 'steps') return stepsAnswer(session, event, asking, ports, looks);
    if (part === 'export') return exportAnswer(session, event, asking, { ...ports, ...looks });
    if (part === 'summary') return summaryAnswer(session, asking, ports, looks);
    return part === 'ledger' ? ledgerAnswer(session, ports) : json(sessionShape, session);
  });
}

type ListQuery = z.infer<typeof sessionsQuery>;

async function listed(
  { state, ...query }: ListQuery,
  asking: Asking,
  { catalog, live }: SessionsPorts,
): Promise<SessionPage> {
  if (state === undefined) return listPage(query, asking, catalog);
  if (live !== undefined) return livePage({ state, ...query }, asking, live);
  throw new CustodyError('unsupported', 'running sessions are not listed here');
}

async function listPage(
  { limit, target, person, run, ...where }: Omit<ListQuery, 'state'>,
  asking: Asking,
  catalog: SessionCatalog,
): Promise<SessionPage> {
  const asked = { limit, ...(run === undefined ? {} : { run }), ...rangeOf({ ...where, run }) };
  const queries = visibleQueries(asking, target).map((query) =>
    // Their own by their address, of somebody else by name: by both at once nothing is asked for, and what is found is looked at.
    catalog.list({
      ...query,
      ...asked,
      ...(person === undefined || query.person !== undefined ? {} : { person }),
    }),
  );
  const page = mergePages(await Promise.all(queries), limit);
  const isAsked = ({ principal }: SessionRecord): boolean =>
    person === undefined || isNamed(principal, person);
  const sessions = page.sessions.filter((session) => isAsked(session) && isListed(session, asking));
  return { ...page, sessions };
}

const CLOCKS_DIFFER_MS = 600_000;

/** Times as places among ids. A cursor from within the time goes on from there. */
function rangeOf({
  since,
  until,
  cursor,
  run,
}: Pick<z.infer<typeof sessionsQuery>, 'since' | 'until' | 'cursor' | 'run'>): Pick<
  SessionQuery,
  'from' | 'cursor'
> {
  const ends = [cursor, until && lowestIdAt(msOf(until))].filter((end) => end !== undefined);
  const before = ends.toSorted()[0];
  // A run's sessions begin after it, by clocks that may differ: nobody looks at all that was before.
  const begins = [since && lowestIdAt(msOf(since)), run && lowestIdAt(timeOfId(run) - CLOCKS_DIFFER_MS)];
  const from = begins
    .filter((begin) => begin !== undefined)
    .toSorted()
    .at(-1);
  return {
    ...(from === undefined ? {} : { from }),
    ...(before === undefined ? {} : { cursor: before }),
  };
}

/** Sessions begin at whole milliseconds: the first that is not before this time. */
function msOf(time: string): number {
  return Date.parse(time) + (/\.\d{3}\d*[1-9]/.test(time) ? 1 : 0);
}

/** A session that the caller may not know of answers like one that does not exist (security cases 7, 14). */
async function knownSession(id: string, asking: Asking, catalog: SessionCatalog): Promise<SessionRecord> {
  const session = sessionId.safeParse(id).success ? await existing(id, catalog) : undefined;
  if (session !== undefined && isKnown(session, asking)) return session;
  throw new CustodyError('not-found', 'no such session', { hint: 'see yours: custody sessions' });
}

async function existing(id: string, catalog: SessionCatalog): Promise<SessionRecord | undefined> {
  try {
    return await catalog.get(id);
  } catch (error) {
    if (asCustodyError(error).code === 'not-found') return undefined;
    throw error;
  }
}

/** That a session is in the ledger is no secret to who may know of it: what was said in it is not part of the proof. */
async function ledgerAnswer({ id }: SessionRecord, { ledger }: SessionsPorts): Promise<ApiResult> {
  const newest = await ledger.newest();
  const proof =
    newest === undefined
      ? undefined
      : await proveSession(newest.note, newest.checkpoint, (path) => ledger.fetch(path), id, ledger.find);
  if (proof !== undefined) return json(sessionProofSchema, proof);
  throw new CustodyError('not-found', 'the session is not in the ledger yet', {
    hint: 'its opening gets there within a minute',
  });
}

async function evidenceAnswer(
  session: SessionRecord,
  event: ApiEvent,
  asking: Asking,
  ports: SessionsPorts,
): Promise<ApiResult> {
  const { purpose, ...page } = queryOf(evidenceQuery, event);
  const permission = await lookedAtEvidence(asking, session, purpose, undefined, ports);
  return json(evidenceShape, await evidencePage(permission, session.id, page, ports));
}

async function stepsAnswer(
  session: SessionRecord,
  event: ApiEvent,
  asking: Asking,
  ports: SessionsPorts,
  looks: LookPorts,
): Promise<ApiResult> {
  const query = queryOf(stepsQuery, event);
  const { permission, redaction } = await looked(asking, session, 'replay', partOf(query), looks);
  const page = await stepsPage(permission, session, query, ports);
  return json(stepsShape, {
    ...page,
    steps: page.steps.map(({ number, marks, ...step }) => ({
      ...(redaction?.json(step) ?? step),
      number,
      marks,
    })),
  });
}

async function rowsAnswer(
  session: SessionRecord,
  step: number,
  event: ApiEvent,
  asking: Asking,
  ports: SessionsPorts & LookPorts & { readonly results: KnownResults },
): Promise<ApiResult> {
  const query = queryOf(rowsQuery, event);
  const look = await looked(asking, session, 'replay', rowsPart(step, query), ports);
  return json(rowsShape, await rowsPage(look, session, step, query, ports));
}

async function outlineAnswer(
  session: SessionRecord,
  asking: Asking,
  ports: SessionsPorts,
  looks: LookPorts,
): Promise<ApiResult> {
  const { permission } = await looked(asking, session, 'replay', 'outline', looks);
  return json(outlineShape, await outlineOf(permission, session, ports));
}

async function summaryAnswer(
  session: SessionRecord,
  asking: Asking,
  ports: SessionsPorts,
  looks: LookPorts,
): Promise<ApiResult> {
  const { redaction } = await looked(asking, session, 'replay', 'summary', looks);
  const mayRead = (earlier: SessionRecord): boolean => !('code' in mayLook(earlier, asking, 'replay'));
  return json(summaryShape, await summaryOf(session, { ...ports, redaction, mayRead }));
}

/** The gateway that holds the session sees the wish within a second. */
async function terminate(
  session: SessionRecord,
  event: ApiEvent,
  asking: Asking,
  { terminations }: SessionsPorts,
): Promise<ApiResult> {
  const { reason } = bodyOf(terminationBody, event);
  const decision = decideFor('terminate', session, asking);
  if ('code' in decision) throw refusalError(decision);
  if (session.state !== 'open') {
    throw new CustodyError('conflict', 'the session is over already', { hint: `custody show ${session.id}` });
  }
  const by = personOf(asking.caller);
  const at = asking.now.toISOString();
  const termination = { session: session.id, by, at, ...(reason === undefined ? {} : { reason }) };
  await terminations.ask(termination);
  return json(terminationShape, termination, { status: 202 });
}
