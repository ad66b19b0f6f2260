import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import type { Run } from '#core/tasks/run.ts';
import { isUnsettled } from '#core/tasks/store.ts';

export interface RunsTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
}

/** A run as the table has it. Its key is another item, so that no index holds it. */
export interface RunItem {
  readonly kind: string;
  readonly id: string;
  readonly run: string;
  readonly steps: number;
  readonly told: number;
  readonly workflow: string;
  /** The same for all: the index of all runs. */
  readonly all: 'run';
  /** Only while something has not been told. */
  readonly untold?: 'yes';
  /** Only while an execution has no result. */
  readonly unsettled?: 'yes';
}

export function runItem(run: Run, told: number): RunItem {
  return {
    ...runKey(run.id),
    run: JSON.stringify(run),
    steps: run.steps.length,
    told,
    workflow: run.workflow,
    all: 'run',
    untold: 'yes',
    ...(isUnsettled(run) ? { unsettled: 'yes' } : {}),
  };
}

export function runKey(id: string): { readonly kind: string; readonly id: string } {
  return { kind: `run/${id}`, id };
}

/** Sees every write before it. Rejects with `not-found`. */
export async function getRunItem({ dynamo, table }: RunsTable, id: string): Promise<RunItem> {
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: runKey(id), ConsistentRead: true }),
  );
  if (Item !== undefined) return Item as RunItem;
  throw noSuchRun();
}

export function noSuchRun(): CustodyError {
  return new CustodyError('not-found', 'no such run', { hint: 'see them: custody run list' });
}

export function parseRun({ run }: Pick<RunItem, 'run'>): Run {
  return parseJson(run) as Run;
}
