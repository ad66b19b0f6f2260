import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { SeenExecution } from '#core/tasks/shapes.ts';
import { randomFrom } from '#test/fuzz/mutate.ts';
import { OracleServer } from '#test/oracle/server.ts';
import { READY, RecordedSession } from '#test/oracle/session.ts';
import { query, RandomTurns } from './random-turns.ts';

/** The long form is `npm run oracle:tasks`. */
const SESSIONS = Number(process.env['CUSTODY_ORACLE_TASKS'] ?? 14);
const server = new OracleServer();
const shapes = loadPostgresShapes();

beforeAll(async () => {
  await server.start();
  await asked('create table log (n int primary key); create table t (n int)');
});
afterAll(() => server.stop());

/** A session of one query, and its rows' first column. */
async function asked(text: string): Promise<string[]> {
  const session = await RecordedSession.open(server.port);
  session.send(query(text));
  await session.until((bytes) => bytes.includes(READY));
  await session.end();
  const rows: string[] = [];
  await read(session.frames, (row) => rows.push(row));
  return rows;
}

interface Read {
  readonly executions: SeenExecution[];
  /** By their numbers: those that were not taken back. */
  readonly stands: boolean[];
}

async function read(
  frames: readonly ReplayFrame[],
  row: (first: string) => void = () => undefined,
): Promise<Read> {
  const all: SeenExecution[] = [];
  const stands: boolean[] = [];
  let settled = 0;
  const parts = {
    rows: () => (values: readonly ({ readonly text: string | null } | null)[]) => row(values[0]?.text ?? ''),
    undone: (from: number) => {
      expect(from).toBeGreaterThanOrEqual(settled);
      stands.fill(false, from);
    },
    settled: () => (settled = all.length),
  };
  async function* streamed(): AsyncGenerator<ReplayFrame> {
    yield* frames;
  }
  for await (const execution of (await shapes).executions(streamed(), parts)) {
    all.push(execution);
    stands.push(true);
  }
  return { executions: all, stands };
}

/** The numbers that a recording says were inserted, and stand. */
function claimed({ executions, stands }: Read): { inserted: string[]; copied: number } {
  const done = executions.filter(({ answer }, at) => answer.outcome === 'completed' && stands[at]);
  const inserted = done.flatMap(({ command }) => {
    if (!('shape' in command) || !/^insert into log/i.test(command.text)) return [];
    const [value] = command.values;
    return value !== undefined && 'text' in value && value.text !== null ? [value.text] : [];
  });
  const copies = done.filter(({ command }) => /^copy log/i.test(command.text));
  return { inserted, copied: copies.reduce((sum, { answer }) => sum + (answer.affected ?? 0), 0) };
}

test(
  'random sessions: what a recording says was done and stands is what the server has at the end',
  async () => {
    const random = randomFrom(1);
    const sessions = new RandomTurns(random);
    const totals = { executions: 0, undone: 0, failed: 0, skipped: 0, copied: 0, goesOn: 0 };
    for (let n = 0; n < SESSIONS; n++) {
      const session = await RecordedSession.open(server.port);
      const turns = 1 + Math.floor(random() * 10);
      for (let turn = 0; turn < turns; turn++) {
        const { bytes, readies } = sessions.turn();
        session.send(bytes);
        await session.untilReady(readies);
      }
      await session.end();
      const done = await read(session.frames);
      const { inserted, copied } = claimed(done);
      const there = await asked('delete from log returning n');
      const written = new Set(inserted);
      expect(there.filter((one) => written.has(one)).toSorted()).toEqual(inserted.toSorted());
      expect(there.length - inserted.length).toBe(copied);
      const atMost: [number, number][] = [];
      for (const { command, answer } of done.executions) {
        const rows =
          /generate_series/.test(command.text) && 'values' in command ? rowsOf(command) : undefined;
        if (answer.outcome === 'completed' && rows !== undefined && answer.rows !== undefined)
          atMost.push([answer.rows, rows]);
        if (answer.affected !== undefined && /^insert/i.test(command.text)) atMost.push([answer.affected, 1]);
      }
      expect(atMost.filter(([count, most]) => count > most)).toEqual([]);
      totals.executions += done.executions.length;
      totals.undone += done.stands.filter((stands) => !stands).length;
      totals.copied += copied;
      for (const { answer, goesOnWith } of done.executions) {
        if (answer.outcome === 'failed') totals.failed += 1;
        if (answer.outcome === 'skipped') totals.skipped += 1;
        if (goesOnWith !== undefined) totals.goesOn += 1;
      }
    }
    // A generator that made nothing of a kind would prove nothing.
    for (const [kind, count] of Object.entries(totals)) expect(count, kind).toBeGreaterThan(0);
  },
  20_000 + 500 * SESSIONS,
);

function rowsOf({ values }: { readonly values: readonly unknown[] }): number {
  const [, last] = values as { text: string }[];
  return Number(last?.text);
}
