import { GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import type { RunStore, UntoldRun } from '#core/tasks/store.ts';
import { requesterOf } from './access-item.ts';
import { named, transacting, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { getRunItem, noSuchRun, parseRun, type RunsTable, runItem, runKey } from './runs-item.ts';
import { listRuns, unsettledRuns, untoldItems } from './runs-lists.ts';
import { dynamoRunOutputs } from './runs-outputs.ts';
import { markTold } from './told.ts';

/** Runs in DynamoDB. Durable when a call returns; lists may lag by moments, `get` never does. `now`: for when outputs may go. */
export function dynamoRunStore(place: RunsTable, now: () => Date): RunStore {
  return {
    create: (run, key, once) => reaching('store a run', () => create(place, run, key, once)),
    append: (id, after, steps) => reaching('add to a run', () => append(place, id, after, steps)),
    get: (id) => reaching('look a run up', async () => parseRun(await getRunItem(place, id))),
    keyOf: (id) => reaching('look up the key of a run', () => keyOf(place, id)),
    list: (query) => reaching('list runs', () => listRuns(place, query)),
    unsettled: (limit, after) =>
      reaching('look for runs without results', () => unsettledRuns(place, limit, after)),
    untold: (limit, id) => reaching('look for untold news of runs', () => untold(place, limit, id)),
    told: (id, count) => reaching('note what was told of a run', () => markTold(place, runKey(id), count)),
    outputs: dynamoRunOutputs(place, now),
  };
}

async function create(place: RunsTable, run: Run, key: Uint8Array, once: string | undefined): Promise<Run> {
  const { dynamo, table } = place;
  const put = (Item: Record<string, unknown>) => ({
    Put: {
      TableName: table,
      Item,
      ConditionExpression: 'attribute_not_exists(#kind)',
      ExpressionAttributeNames: named('kind'),
    },
  });
  const onceItems = once === undefined ? [] : [put({ ...onceKey(run, once), run: run.id })];
  const items = [...onceItems, put({ ...secretKey(run.id), key }), put({ ...runItem(run, 0) })];
  const refused = await transacting(() => dynamo.send(new TransactWriteCommand({ TransactItems: items })));
  if (refused === undefined) return run;
  const earlier = once === undefined ? undefined : await byOnce(place, run, once);
  if (earlier !== undefined) return earlier;
  // The key's digest is in the run's: nobody else's is the same. The answer was lost, and the request sent again.
  const stored = await getRunItem(place, run.id).then(parseRun);
  if (stored.digest === run.digest && Buffer.compare(await keyOf(place, run.id), key) === 0) return run;
  throw new CustodyError('already-exists', 'the run exists already', { detail: run.id });
}

async function byOnce(place: RunsTable, run: Run, once: string): Promise<Run | undefined> {
  const { dynamo, table } = place;
  const Key = onceKey(run, once);
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item === undefined ? undefined : parseRun(await getRunItem(place, Item['run'] as string));
}

/** The number of steps is the version. In a transaction, though it is one item: the answer of a write that was lost is asked for again by its token. */
async function append(place: RunsTable, id: string, after: number, added: readonly RunStep[]): Promise<void> {
  const { dynamo, table } = place;
  const item = await getRunItem(place, id);
  if (item.steps !== after) throw changedMeanwhile();
  const run = parseRun(item);
  // What was told meanwhile is told again: a receiver knows news by their id.
  const Item = runItem({ ...run, steps: [...run.steps, ...added] }, item.told);
  const Put = {
    TableName: table,
    Item,
    ConditionExpression: '#steps = :after',
    ExpressionAttributeNames: named('steps'),
    ExpressionAttributeValues: valued({ after }),
  };
  const refused = await transacting(() =>
    dynamo.send(new TransactWriteCommand({ TransactItems: [{ Put }] })),
  );
  if (refused !== undefined) throw changedMeanwhile();
}

function changedMeanwhile(): CustodyError {
  return new CustodyError('conflict', 'somebody else changed the run', { hint: 'look at it again' });
}

async function keyOf({ dynamo, table }: RunsTable, id: string): Promise<Uint8Array> {
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: secretKey(id), ConsistentRead: true }),
  );
  if (Item === undefined) throw noSuchRun();
  return Item['key'] as Uint8Array;
}

async function untold(place: RunsTable, limit: number, id: string | undefined): Promise<UntoldRun[]> {
  const items = id === undefined ? await untoldItems(place, limit) : [await getRunItem(place, id)];
  return items
    .filter(({ told, steps }) => told <= steps)
    .map((item) => ({ run: parseRun(item), told: item.told }));
}

function onceKey({ startedBy }: Run, once: string): { readonly kind: string; readonly id: string } {
  return { kind: `once/${requesterOf(startedBy)}`, id: once };
}

function secretKey(id: string): { readonly kind: string; readonly id: string } {
  return { kind: `key/${id}`, id };
}
