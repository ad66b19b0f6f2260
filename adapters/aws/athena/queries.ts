import { createHash } from 'node:crypto';
import {
  type AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { CustodyError } from '#core/errors.ts';
import { reaching } from '../failure.ts';
import type { Statement } from './statement.ts';

/** A row by the order of its columns. */
export type Row = readonly string[];

/** Runs a statement; rejects with `store-unavailable` where it takes longer than the caller may wait. */
export type RunQuery = (statement: Statement) => Promise<readonly Row[]>;

export interface AthenaPlace {
  readonly athena: AthenaClient;
  readonly workgroup: string;
  readonly waitMs: number;
  readonly now: () => Date;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** How often is looked whether it is done. */
const LOOK_MS = 250;
/** Whoever asks the same again within this time gets the answer of the query that is under way, or done. */
const SAME_MS = 600_000;
const ROWS_A_PAGE = 1_000;

/** https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html */
export function athenaQueries(place: AthenaPlace): RunQuery {
  return async (statement) => {
    const id = await started(place, statement);
    await done(place, id);
    return rowsOf(place, id);
  };
}

async function started({ athena, workgroup, now }: AthenaPlace, { sql, values }: Statement): Promise<string> {
  const round = Math.floor(now().getTime() / SAME_MS);
  const token = createHash('sha256')
    .update(JSON.stringify([workgroup, sql, values, round]))
    .digest('hex');
  const { QueryExecutionId } = await reaching('start a search', () =>
    athena.send(
      new StartQueryExecutionCommand({
        ...{ QueryString: sql, WorkGroup: workgroup, ClientRequestToken: token },
        ...(values.length === 0 ? {} : { ExecutionParameters: values.map(literal) }),
      }),
    ),
  );
  return QueryExecutionId!;
}

/** A parameter is written as a literal of SQL. https://docs.aws.amazon.com/athena/latest/ug/querying-with-prepared-statements.html */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

async function done({ athena, waitMs, now, sleep }: AthenaPlace, id: string): Promise<void> {
  const until = now().getTime() + waitMs;
  for (;;) {
    const { QueryExecution } = await reaching(`look at search ${id}`, () =>
      athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id })),
    );
    const { State, StateChangeReason = '' } = QueryExecution?.Status ?? {};
    if (State === 'SUCCEEDED') return;
    if (State === 'FAILED' || State === 'CANCELLED') throw failed(StateChangeReason);
    if (now().getTime() >= until) throw underWay();
    await sleep(LOOK_MS);
  }
}

async function rowsOf({ athena }: AthenaPlace, id: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let NextToken: string | undefined;
  do {
    const page = await reaching(`read search ${id}`, () =>
      athena.send(
        new GetQueryResultsCommand({
          ...{ QueryExecutionId: id, MaxResults: ROWS_A_PAGE },
          ...(NextToken === undefined ? {} : { NextToken }),
        }),
      ),
    );
    for (const { Data = [] } of page.ResultSet?.Rows ?? [])
      rows.push(Data.map(({ VarCharValue = '' }) => VarCharValue));
    ({ NextToken } = page);
  } while (NextToken !== undefined);
  // The first has the columns' names.
  return rows.slice(1);
}

function underWay(): CustodyError {
  return new CustodyError('store-unavailable', 'the search is still under way', {
    hint: 'ask the same again in a moment, or for fewer days (since, until)',
  });
}

/** A workgroup's limit is one of the reasons. */
function failed(reason: string): CustodyError {
  return new CustodyError('store-unavailable', 'the search was not done', {
    hint: 'ask for fewer days (since, until), or for one target',
    detail: reason,
  });
}
