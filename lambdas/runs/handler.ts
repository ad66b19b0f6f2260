import type { Config } from '#core/access/config.ts';
import { type Refusal, refusalError } from '#core/access/decide.ts';
import { personOf } from '#core/access/person.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { SessionCatalog } from '#core/recording/session-index.ts';
import { mayStart } from '#core/tasks/may-run.ts';
import { namedByToken } from '#core/tasks/names.ts';
import type { Run } from '#core/tasks/run.ts';
import type { RunDesk } from '#core/tasks/run-desk.ts';
import { endRun } from '#core/tasks/run-lifecycle.ts';
import { executionsOf } from '#core/tasks/run-state.ts';
import type { RunCatalog, Runs, WorkflowTexts } from '#core/tasks/store.ts';
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
import { idempotencyKey } from '../idempotency-key.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { mayExport } from '../sessions/visible.ts';
import { mayKnow, noSuchWorkflow } from '../workflows/visible.ts';
import { runAnswer, summaryAnswer } from './answers.ts';
import { besideOf, type EvidencePorts } from './evidence.ts';
import { type KnownRun, RunReader } from './known.ts';
import { endBody, runEvidenceShape, runId, runPageShape, runShape, runsQuery, startBody } from './shapes.ts';
import { isVisible, mayEnd, noSuchRun } from './visible.ts';

export interface RunsPorts extends EvidencePorts {
  readonly policy: () => Config;
  readonly runs: Pick<Runs, 'get' | 'keyOf'> & RunCatalog;
  readonly desk: Pick<RunDesk, 'start' | 'change'>;
  readonly texts: Pick<WorkflowTexts, 'get'>;
  /** Derives the results that are due of a run: nobody waits for the next round of whoever does it by the clock. */
  readonly settle?: (id: string) => Promise<unknown>;
  readonly source: RecordingSource;
  readonly sessions: Pick<SessionCatalog, 'get'>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** /v1/runs: start, look at, end, and what a run is verified with. `routeKey` names the operation. */
export function runsHandler(ports: RunsPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    const reader = new RunReader(asking.policy, ports.texts);
    switch (event.routeKey) {
      case 'GET /v1/runs':
        return list(event, asking, reader, ports);
      case 'POST /v1/runs':
        return start(event, asking, reader, ports);
      case 'GET /v1/runs/{id}': {
        const { run } = await visible(event, asking, reader, ports);
        return runResult(await reader.of(await settled(run, ports)), asking, ports);
      }
      case 'POST /v1/runs/{id}/end':
        return end(event, asking, reader, ports);
      case 'GET /v1/runs/{id}/evidence':
        return evidence(await visible(event, asking, reader, ports), asking, ports);
      default:
        throw noSuchOperation();
    }
  });
}

/** Newest first; a page may hold less than `limit`, as not all runs are everybody's to see. */
async function list(
  event: ApiEvent,
  asking: Asking,
  reader: RunReader,
  { runs }: RunsPorts,
): Promise<ApiResult> {
  const { limit, cursor, workflow } = queryOf(runsQuery, event);
  const where = {
    ...(cursor === undefined ? {} : { cursor }),
    ...(workflow === undefined ? {} : { workflow }),
  };
  const page = await runs.list({ limit, ...where });
  const known = await Promise.all(page.runs.map((run) => reader.of(run)));
  const seen = known.filter(({ run, declared }) => isVisible(run, declared, asking));
  const { next } = page;
  return json(runPageShape, {
    runs: seen.map((one) => summaryAnswer(one, asking.now)),
    ...(next === undefined ? {} : { next }),
  });
}

async function start(
  event: ApiEvent,
  asking: Asking,
  reader: RunReader,
  ports: RunsPorts,
): Promise<ApiResult> {
  const { workflow: name, inputs, trace } = bodyOf(startBody, event);
  const { policy, caller } = asking;
  const workflow = policy.compiled.get(name);
  if (workflow === undefined || !mayKnow(workflow.declared, asking)) throw noSuchWorkflow();
  if (namedByToken(caller) !== undefined)
    throw denied('your token is for one task of a run, and starts none', 'start it with a token of your own');
  if (!mayStart(workflow, caller, policy))
    throw denied(`you may not start runs of ${name}`, `who may: custody workflow show ${name}`);
  const given = {
    by: personOf(caller),
    policy: policy.version,
    inputs,
    ...(trace === undefined ? {} : { trace }),
  };
  const run = await ports.desk.start(workflow, given, idempotencyKey(event));
  return runResult(await reader.of(run), asking, ports, 201);
}

function denied(message: string, hint: string): CustodyError {
  return new CustodyError('access-denied', message, { hint });
}

async function end(event: ApiEvent, asking: Asking, reader: RunReader, ports: RunsPorts): Promise<ApiResult> {
  const { comment } = bodyOf(endBody, event);
  const { run: found, declared } = await visible(event, asking, reader, ports);
  if (!mayEnd(found, declared, asking))
    throw denied(
      'you may not end this run',
      'who started it can, and whoever may end sessions at its targets',
    );
  const by = personOf(asking.caller);
  const run = await ports.desk.change(found.id, (seen, now) => endRun(seen, by, comment, now));
  return runResult(await reader.of(run), asking, ports);
}

/** The key makes guesses about values possible: it is for whoever may take away all that was done in the run. */
async function evidence({ run, declared }: KnownRun, asking: Asking, ports: RunsPorts): Promise<ApiResult> {
  const executions = executionsOf(run);
  const records = await Promise.all(executions.map(({ session }) => ports.sessions.get(session)));
  const owner = { principal: run.startedBy };
  const untouched = Object.values(declared.tasks)
    .filter((_, at) => executions.every(({ task }) => task !== Object.keys(declared.tasks)[at]))
    .map(({ target }) => ({ ...owner, target }));
  for (const one of [...records, ...untouched]) {
    const permission = mayExport(one as (typeof records)[number], asking);
    if ('code' in permission) throw notAllOf(permission, one.target);
  }
  const [key, workflow] = await Promise.all([ports.runs.keyOf(run.id), ports.texts.get(run.workflowDigest)]);
  return json(runEvidenceShape, {
    run: { ...run },
    key: Buffer.from(key).toString('base64'),
    workflow,
    sessions: executions.map(({ session, task }) => ({ session, task })),
    ...(await besideOf(run, ports)),
  });
}

/** A run is taken out whole: the target says which rule has to be looked for. */
function notAllOf(refusal: Refusal, target: string): CustodyError {
  return refusalError({
    ...refusal,
    message: `you may not export all sessions of this run: not those at ${target}`,
    hint: `its rules say who may: custody explain export ${target}`,
  });
}

/** The run as it is once what is due was derived; what cannot be derived now hides nothing. */
async function settled(run: Run, { runs, settle, log }: RunsPorts): Promise<Run> {
  if (settle === undefined || executionsOf(run).every(({ ended }) => ended !== undefined)) return run;
  try {
    await settle(run.id);
  } catch (error) {
    log(asCustodyError(error));
  }
  return runs.get(run.id);
}

async function visible(
  { pathParameters }: ApiEvent,
  asking: Asking,
  reader: RunReader,
  { runs }: RunsPorts,
): Promise<KnownRun> {
  const parsed = runId.safeParse(pathParameters?.['id']);
  if (!parsed.success) throw noSuchRun();
  const run = await runs.get(parsed.data).catch((error: unknown) => {
    throw asCustodyError(error).code === 'not-found' ? noSuchRun() : error;
  });
  const known = await reader.of(run);
  if (isVisible(run, known.declared, asking)) return known;
  throw noSuchRun();
}

async function runResult(
  known: KnownRun,
  asking: Asking,
  { source, now }: RunsPorts,
  status = 200,
): Promise<ApiResult> {
  const { id, steps } = known.run;
  const headers = {
    etag: `"${steps.length}"`,
    ...(status === 201 ? { location: `/v1/runs/${id}` } : {}),
  };
  return json(runShape, await runAnswer(known, { ...asking, now: now() }, source), { status, headers });
}
