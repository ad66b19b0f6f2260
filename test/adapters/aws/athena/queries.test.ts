import { AthenaClient, CreateWorkGroupCommand } from '@aws-sdk/client-athena';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { athenaQueries, literal } from '#adapters/aws/athena/queries.ts';
import { hasMoto, type Moto, REGION, startMoto } from '#test/support/moto.ts';

const STATEMENT = { sql: 'SELECT a FROM t WHERE b = ?', values: ["O'Brien"] };

it('a parameter is a literal of SQL', () => {
  expect([literal('x'), literal("O'Brien"), literal("'; DROP --"), literal('')]).toEqual([
    "'x'",
    "'O''Brien'",
    "'''; DROP --'",
    "''",
  ]);
});

describe.runIf(hasMoto())('queries', () => {
  let moto: Moto;
  let athena: AthenaClient;
  beforeAll(async () => {
    moto = await startMoto();
    athena = new AthenaClient({
      ...{ region: REGION, endpoint: moto.endpoint },
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    });
    const place = { OutputLocation: 's3://results/' };
    const group = { Name: 'custody', Configuration: { ResultConfiguration: place } };
    await athena.send(new CreateWorkGroupCommand(group));
  });
  afterAll(() => moto?.stop());

  const run = (changes: Partial<Parameters<typeof athenaQueries>[0]> = {}) =>
    athenaQueries({
      ...{ athena, workgroup: 'custody', waitMs: 1_000, now: () => new Date() },
      sleep: async () => undefined,
      ...changes,
    });

  it('come back as rows of texts, without the line of names', async () => {
    const rows = [['a'], ['1'], ['2']].map((row) => ({
      Data: row.map((VarCharValue) => ({ VarCharValue })),
    }));
    await fetch(`${moto.endpoint}/moto-api/static/athena/query-results`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ region: REGION, results: [{ rows, column_info: [] }] }),
    });
    expect(await run()(STATEMENT)).toEqual([['1'], ['2']]);
  });

  /** A client that answers as AWS does, in states that the emulator has not. */
  const answering = (states: readonly string[], reason = '') => {
    const said: unknown[] = [];
    const left = [...states];
    const send = async ({ constructor, input }: { constructor: { name: string }; input: object }) => {
      said.push([constructor.name, input]);
      if (constructor.name === 'StartQueryExecutionCommand') return { QueryExecutionId: 'q-1' };
      const State = left.shift() ?? states.at(-1);
      return { QueryExecution: { Status: { State, StateChangeReason: reason } } };
    };
    return { athena: { send } as unknown as AthenaClient, said };
  };

  it('that take too long are left to go on, and whoever asks again is given the same', async () => {
    let ms = Date.parse('2026-11-25T12:00:00.000Z');
    const clock = {
      now: () => new Date(ms),
      sleep: async (pause: number) => void (ms += pause),
      waitMs: 600,
    };
    const one = answering(['QUEUED', 'RUNNING']);
    await expect(run({ athena: one.athena, ...clock })(STATEMENT)).rejects.toMatchObject({
      code: 'store-unavailable',
      message: 'the search is still under way',
    });
    const other = answering(['RUNNING']);
    await expect(run({ athena: other.athena, ...clock })(STATEMENT)).rejects.toThrow('under way');
    expect(other.said[0]).toEqual(one.said[0]);
    expect(one.said[0]).toMatchObject([
      'StartQueryExecutionCommand',
      { QueryString: STATEMENT.sql, WorkGroup: 'custody', ExecutionParameters: ["'O''Brien'"] },
    ]);
  });

  it('that fail, or read more than they may, say so', async () => {
    const { athena: failing } = answering(['FAILED'], 'Query exhausted resources: bytes scanned limit');
    await expect(run({ athena: failing })(STATEMENT)).rejects.toMatchObject({
      code: 'store-unavailable',
      message: 'the search was not done',
      detail: 'Query exhausted resources: bytes scanned limit',
    });
  });
});
