/** A run as OpenLineage events (https://openlineage.io/spec/2-0-2/OpenLineage.json): the run and each execution of a task a run of a job. */
import { stateOf } from '../run-state.ts';
import { keptResults, type ProvedResult, type ProvedRun } from './proved-run.ts';
import { digestSetOf } from './statement.ts';

const PRODUCER = 'https://custody.dev/openlineage';
const SPEC = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent';
const FACETS = 'https://openlineage.io/spec/facets';
/** Jobs and outputs are named under it; a target under a namespace of its own. */
const NAMESPACE = 'custody';

type Json = Readonly<Record<string, unknown>>;

/** In the order of time. Only digests are in them. */
export function openLineageEvents(proved: ProvedRun): readonly Json[] {
  const tasks = proved.results.flatMap((one) => taskEvents(one, proved));
  const [began, ...ended] = runEvents(proved);
  return [began!, ...tasks, ...ended].toSorted(
    (one, other) => Date.parse(one.eventTime) - Date.parse(other.eventTime),
  );
}

function runEvents({ run, workflow }: ProvedRun): readonly Event[] {
  const job = { namespace: NAMESPACE, name: workflow.name, facets: jobFacets('WORKFLOW') };
  const custody = facet('CustodyRunFacet', { beginning: run.digest, workflow: workflow.digest });
  const of = { run: { runId: run.id, facets: { custody } }, job, inputs: [], outputs: [] };
  const last = run.steps.at(-1);
  const state = stateOf(run, workflow, new Date(last?.at ?? run.startedAt));
  const began = event('START', run.startedAt, of);
  if (last === undefined || state === 'running') return [began];
  return [began, event(state === 'done' ? 'COMPLETE' : 'FAIL', last.at, of)];
}

function taskEvents(one: ProvedResult, proved: ProvedRun): readonly Event[] {
  const { result } = one;
  const job = {
    namespace: NAMESPACE,
    name: `${result.workflow.name}.${result.task}`,
    facets: jobFacets('TASK'),
  };
  const inputs = inputsOf(one, proved);
  const began = event('START', result.startedAt, { run: runOf(one, proved, {}), job, inputs, outputs: [] });
  const kept = result.verdict === 'kept';
  const run = runOf(one, proved, kept ? {} : { errorMessage: errorOf(one) });
  const outputs = kept ? outputsOf(one, proved) : [];
  return [began, event(kept ? 'COMPLETE' : 'FAIL', result.endedAt, { run, job, inputs, outputs })];
}

interface Event extends Json {
  readonly eventTime: string;
}

function event(eventType: 'START' | 'COMPLETE' | 'FAIL', eventTime: string, of: Json): Event {
  return { eventType, eventTime, producer: PRODUCER, schemaURL: SPEC, ...of };
}

/** An execution goes by its session, in the run. */
function runOf({ result, digest }: ProvedResult, { run, workflow }: ProvedRun, more: Json): Json {
  const { session, verdict, operator, evidence, workflow: of } = result;
  const parent = {
    ...known('ParentRunFacet', '1-0-1'),
    run: { runId: run.id },
    job: { namespace: NAMESPACE, name: workflow.name },
  };
  const { issuer, subject } = operator;
  const said = { result: digest, contract: of.digest, verdict, operator: { issuer, subject }, evidence };
  return { runId: session, facets: { parent, custody: facet('CustodyTaskRunFacet', said), ...more } };
}

function errorOf({ result: { deviations, deviationsOmitted } }: ProvedResult): Json {
  const [first] = deviations;
  const count = deviations.length + deviationsOmitted;
  const message =
    first === undefined ? 'the task left its contract' : `${first.seen}; the contract has ${first.expected}`;
  return {
    ...known('ErrorMessageRunFacet', '1-0-1'),
    message: `${message} (${count} in all)`,
    programmingLanguage: 'SQL',
  };
}

/** Where the values that went in are from, and the target. */
function inputsOf({ result }: ProvedResult, proved: ProvedRun): readonly Json[] {
  const target = proved.workflow.tasks.get(result.task)?.declared.target;
  const sources = new Set(
    [...result.lineage, ...result.inputs].flatMap(({ from }) =>
      from?.includes(':') ? [] : [outputIn(from)],
    ),
  );
  const earlier = [...sources]
    .filter((name) => name !== '')
    .map((name) => dataset(proved, name, digestsOf(proved, name)));
  return [...(target === undefined ? [] : [{ namespace: 'custody.target', name: target }]), ...earlier];
}

function outputIn(from = ''): string {
  return from.split('.').slice(0, 2).join('.');
}

function digestsOf(proved: ProvedRun, name: string): Json {
  const [task = '', output = ''] = name.split('.');
  const found = keptResults(proved, task).flatMap(({ result }) =>
    result.outputs.filter((one) => one.name === output),
  );
  return found.length === 0
    ? {}
    : { custody: facet('CustodyDigestDatasetFacet', { digests: found.map(digestSetOf) }) };
}

function outputsOf({ result }: ProvedResult, proved: ProvedRun): readonly Json[] {
  return result.outputs.map((output) => {
    const digest = { custody: facet('CustodyDigestDatasetFacet', { digests: [digestSetOf(output)] }) };
    const counted = 'digest' in output ? { rowCount: output.rows } : { size: output.bytes };
    const outputFacets = {
      outputStatistics: { ...known('OutputStatisticsOutputDatasetFacet', '1-0-2'), ...counted },
    };
    const schema =
      'digest' in output
        ? {
            schema: {
              ...known('SchemaDatasetFacet', '1-1-1'),
              fields: output.columns.map(({ name }) => ({ name })),
            },
          }
        : {};
    return { ...dataset(proved, `${result.task}.${output.name}`, { ...digest, ...schema }), outputFacets };
  });
}

function dataset({ run }: ProvedRun, name: string, facets: Json): Json {
  return { namespace: `custody.run.${run.id}`, name, facets };
}

function jobFacets(jobType: string): Json {
  return {
    jobType: {
      ...known('JobTypeJobFacet', '2-0-3'),
      processingType: 'BATCH',
      integration: 'CUSTODY',
      jobType,
    },
  };
}

function known(name: string, version: string): Json {
  return { _producer: PRODUCER, _schemaURL: `${FACETS}/${version}/${name}.json#/$defs/${name}` };
}

function facet(name: string, members: Json): Json {
  return { _producer: PRODUCER, _schemaURL: `${PRODUCER}/${name}.json`, ...members };
}
