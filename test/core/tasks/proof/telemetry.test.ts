import { beforeAll, describe, expect, it } from 'vitest';
import { openLineageEvents } from '#core/tasks/proof/openlineage.ts';
import { otlpTraces } from '#core/tasks/proof/otlp.ts';
import type { ProvedRun } from '#core/tasks/proof/proved-run.ts';
import { server } from '#test/core/replay/support.ts';
import { askPython, hasProofTools } from '#test/support/proof-tools.ts';
import { asked, goodRun, LIST, PlayedRun, workflow } from '#test/support/run-evidence.ts';

const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const COMMAND_TRACE = '00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb-01';
let good: ProvedRun;
let bad: ProvedRun;
beforeAll(async () => {
  good = (await goodRun()).proved();
  const played = new PlayedRun(await workflow(), undefined, 1, TRACE);
  const sql = `DELETE FROM orders /*traceparent='${COMMAND_TRACE}'*/`;
  await played.play('find', [...LIST(7), ...asked(sql, [server.tag('DELETE 9')])]);
  bad = played.proved();
});

const typesOf = (proved: ProvedRun): unknown[] =>
  openLineageEvents(proved).map((one) => [one['eventType'], (one['job'] as { name: string }).name]);

describe('OpenLineage events', () => {
  it('tell how a run and its tasks began and ended, and where data came from', () => {
    expect(typesOf(good)).toEqual([
      ['START', 'refunds'],
      ['START', 'refunds.find'],
      ['COMPLETE', 'refunds.find'],
      ['START', 'refunds.refund'],
      ['COMPLETE', 'refunds.refund'],
      ['START', 'refunds.report'],
      ['COMPLETE', 'refunds.report'],
      ['COMPLETE', 'refunds'],
    ]);
    const refund = openLineageEvents(good)[4] as { inputs: { name: string }[] };
    expect(refund.inputs.map(({ name }) => name)).toEqual(['orders-prod', 'find.returned']);
  });

  it('of a task that left its contract say that it failed, and why', () => {
    expect(typesOf(bad)).toEqual([
      ['START', 'refunds'],
      ['START', 'refunds.find'],
      ['FAIL', 'refunds.find'],
    ]);
    expect(openLineageEvents(bad)[2]).toMatchObject({
      run: { facets: { errorMessage: { message: expect.stringContaining('the contract has') } } },
      outputs: [],
    });
  });

  it.runIf(hasProofTools())("are what OpenLineage's own client takes", () => {
    for (const proved of [good, bad]) {
      const events = openLineageEvents(proved);
      expect(askPython(OPENLINEAGE, events)).toBe(`${events.length}`);
    }
    const broken = openLineageEvents(good).map((one) => ({ ...one, eventTime: 'yesterday' }));
    expect(() => askPython(OPENLINEAGE, broken)).toThrow('ValueError');
  });
});

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly links?: readonly unknown[];
}
const spansOf = (proved: ProvedRun): Span[] => {
  const { resourceSpans } = otlpTraces(proved) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
  return resourceSpans[0]!.scopeSpans[0]!.spans;
};

describe('OpenTelemetry spans', () => {
  it('have the run over its tasks, and those over their commands', () => {
    const spans = spansOf(good);
    expect(spans.map(({ name }) => name)).toEqual([
      'refunds',
      'find',
      'list',
      'refund',
      'pay',
      'pay',
      'report',
      'total',
    ]);
    const [run, find, list] = spans;
    expect([find!.parentSpanId, list!.parentSpanId]).toEqual([run!.spanId, find!.spanId]);
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    expect(spansOf(good)).toEqual(spans);
  });

  it("are in the orchestrator's trace, and a command in the one that it named, with a link back", () => {
    const [run, find, , deleted] = spansOf(bad);
    expect(run).toMatchObject({ traceId: TRACE.slice(3, 35), parentSpanId: '00f067aa0ba902b7' });
    expect(find).toMatchObject({ traceId: run!.traceId, parentSpanId: run!.spanId });
    const links = [{ traceId: run!.traceId, spanId: find!.spanId }];
    expect(deleted).toMatchObject({ traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16), links });
  });

  it.runIf(hasProofTools())('are what the published protocol buffers have', () => {
    for (const proved of [good, bad])
      expect(askPython(OTLP, otlpTraces(proved))).toBe(`${spansOf(proved).length}`);
    expect(() => askPython(OTLP, { ...otlpTraces(good), spans: [] })).toThrow('no field named "spans"');
  });
});

const OPENLINEAGE = `
import json, sys
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.generated import error_message_run, job_type_job, output_statistics_output_dataset, parent_run, schema_dataset
from openlineage.client.serde import Serde
KNOWN = {
    "errorMessage": error_message_run.ErrorMessageRunFacet, "jobType": job_type_job.JobTypeJobFacet,
    "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet, "schema": schema_dataset.SchemaDatasetFacet,
}
def facets(said):
    for name, members in said.items():
        assert members["_producer"] and members["_schemaURL"]
        own = {key: value for key, value in members.items() if not key.startswith("_")}
        if name in KNOWN:
            made = KNOWN[name](**own)
            assert made._get_schema().split("/")[-1] == members["_schemaURL"].split("/")[-1], (made._get_schema(), members["_schemaURL"])
        if name == "parent":
            parent_run.ParentRunFacet(run=parent_run.Run(**own["run"]), job=parent_run.Job(**own["job"]))
    return {}
events = json.load(sys.stdin)
for one in events:
    run, job = one["run"], one["job"]
    made = RunEvent(
        eventType=RunState[one["eventType"]], eventTime=one["eventTime"], producer=one["producer"],
        run=Run(runId=run["runId"], facets=facets(run["facets"])), job=Job(namespace=job["namespace"], name=job["name"], facets=facets(job["facets"])),
        inputs=[InputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d.get("facets", {}))) for d in one["inputs"]],
        outputs=[OutputDataset(namespace=d["namespace"], name=d["name"], facets=facets(d["facets"]), outputFacets=facets(d["outputFacets"])) for d in one["outputs"]],
    )
    Serde.to_json(made)
    assert set(one) == {"eventType", "eventTime", "producer", "schemaURL", "run", "job", "inputs", "outputs"}
    assert made.schemaURL == one["schemaURL"], (made.schemaURL, one["schemaURL"])
print(len(events))
`;

const OTLP = `
import base64, json, sys
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
def ids(value):
    if isinstance(value, list): return [ids(one) for one in value]
    if not isinstance(value, dict): return value
    return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ("traceId", "spanId", "parentSpanId") else ids(v) for k, v in value.items()}
data = json_format.ParseDict(ids(json.load(sys.stdin)), TracesData())
spans = [span for r in data.resource_spans for s in r.scope_spans for span in s.spans]
for span in spans:
    assert len(span.trace_id) == 16 and len(span.span_id) == 8 and len(span.parent_span_id) in (0, 8)
    assert any(span.trace_id) and any(span.span_id) and span.end_time_unix_nano >= span.start_time_unix_nano > 0 and span.name
print(len(spans))
`;
