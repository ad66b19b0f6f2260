/** A run as OpenTelemetry spans, in OTLP's JSON (opentelemetry-proto 1.x, "JSON Protobuf Encoding": ids in hexadecimal). */
import { createHash } from 'node:crypto';
import type { CommandResult, ResultDeviation } from '../result/result.ts';
import type { ProvedResult, ProvedRun } from './proved-run.ts';

type Json = Readonly<Record<string, unknown>>;

/** Where a span belongs. */
interface Place {
  readonly traceId: string;
  readonly spanId: string;
}

const KIND_INTERNAL = 1;
const KIND_CLIENT = 3;
const STATUS_OK = 1;
const STATUS_ERROR = 2;

/** The run, its tasks and their commands, under whatever trace each named. The same run has the same ids always. No value is in it. */
export function otlpTraces(proved: ProvedRun): Json {
  const { run, workflow, results } = proved;
  const root = placeOf(run.trace, `run ${run.id}`);
  const end = run.steps.at(-1)?.at ?? run.startedAt;
  const attributes = attributesOf({
    'custody.run': run.id,
    'custody.workflow': workflow.name,
    'custody.workflow.digest': workflow.digest,
    'custody.run.beginning': run.digest,
  });
  const whole = {
    name: workflow.name,
    kind: KIND_INTERNAL,
    ...times(nanos(run.startedAt), nanos(end)),
    attributes,
  };
  const spans = [{ ...root, ...whole }, ...results.flatMap((one) => taskSpans(one, root))];
  const resource = { attributes: attributesOf({ 'service.name': 'custody' }) };
  return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'custody' }, spans }] }] };
}

function taskSpans(
  { result, digest, trace }: ProvedResult,
  root: Place & { parentSpanId?: string },
): readonly Json[] {
  const { session, task, startedAt, endedAt, verdict, operator, deviations, commands } = result;
  const place = placeOf(trace, `session ${session}`, root);
  const attributes = attributesOf({
    'custody.session': session,
    'custody.task': task,
    'custody.verdict': verdict,
    'custody.result': digest,
    'custody.contract': result.workflow.digest,
    'enduser.id': operator.subject,
  });
  const status =
    verdict === 'kept' ? { code: STATUS_OK } : { code: STATUS_ERROR, message: 'left its contract' };
  const began = nanos(startedAt);
  const events = deviations.map((one) => deviationEvent(one, began));
  const links = place.traceId === root.traceId ? [] : [{ traceId: root.traceId, spanId: root.spanId }];
  const span = {
    name: task,
    kind: KIND_INTERNAL,
    ...times(began, nanos(endedAt)),
    attributes,
    events,
    links,
    status,
  };
  return [
    { ...place, ...span },
    ...commands.map((one, n) => commandSpan(one, n, { session, began, task: place })),
  ];
}

function deviationEvent({ kind, expected, seen, how, at }: ResultDeviation, began: bigint): Json {
  const attributes = attributesOf({
    'custody.kind': kind,
    'custody.expected': expected,
    'custody.seen': seen,
    'custody.how': how,
  });
  return { name: 'deviation', timeUnixNano: String(began + BigInt(at) * 1000n), attributes };
}

function commandSpan(
  { command, shape, at, tookMs, outcome, rows, affected, trace }: CommandResult,
  n: number,
  { session, began, task }: { readonly session: string; readonly began: bigint; readonly task: Place },
): Json {
  const start = began + BigInt(at) * 1000n;
  const place = placeOf(trace, `command ${session} ${n}`, task);
  const attributes = attributesOf({
    'custody.command': command,
    'custody.shape': shape,
    'custody.outcome': outcome,
    'custody.rows': rows,
    'custody.affected': affected,
  });
  const status = { code: outcome === 'completed' ? STATUS_OK : STATUS_ERROR };
  const links = place.traceId === task.traceId ? [] : [{ traceId: task.traceId, spanId: task.spanId }];
  const ended = start + BigInt(Math.round(tookMs * 1e6));
  return {
    ...place,
    name: command ?? 'not in the contract',
    kind: KIND_CLIENT,
    ...times(start, ended),
    attributes,
    links,
    status,
  };
}

/** Under the trace that was named, else under its parent's, else in a trace of its own. */
function placeOf(
  trace: string | undefined,
  what: string,
  parent?: Place,
): Place & { readonly parentSpanId?: string } {
  const spanId = hash(`custody span ${what}`).slice(0, 16);
  const [, traceId, parentSpanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(trace ?? '') ?? [];
  if (traceId !== undefined && parentSpanId !== undefined) return { traceId, spanId, parentSpanId };
  if (parent !== undefined) return { traceId: parent.traceId, spanId, parentSpanId: parent.spanId };
  return { traceId: hash(`custody trace ${what}`).slice(0, 32), spanId };
}

function attributesOf(said: Readonly<Record<string, string | number | undefined>>): readonly Json[] {
  return Object.entries(said).flatMap(([key, value]) => {
    if (value === undefined) return [];
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }];
  });
}

function times(start: bigint, end: bigint): Json {
  return { startTimeUnixNano: String(start), endTimeUnixNano: String(end < start ? start : end) };
}

function nanos(time: string): bigint {
  return BigInt(Date.parse(time)) * 1_000_000n;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
