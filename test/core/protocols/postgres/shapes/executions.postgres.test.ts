import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import type { SeenExecution } from '#core/tasks/shapes.ts';
import { type Random, randomFrom } from '#test/fuzz/mutate.ts';
import { READY, RecordedSession } from '#test/oracle/session.ts';
import { OracleServer } from '#test/oracle/server.ts';

const SESSIONS = 60;
const server = new OracleServer();
const shapes = loadPostgresShapes();

beforeAll(async () => {
  await server.start();
  await asked('create table log (n int primary key); create table t (n int)');
});
afterAll(() => server.stop());

const query = (text: string): Uint8Array => message(0x51, cstring(text));
const NONE = Uint8Array.of(0, 0);
const SYNC = message(0x53);

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
  const { executions } = await shapes;
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
  for await (const execution of executions(streamed(), parts)) {
    all.push(execution);
    stands.push(true);
  }
  return { executions: all, stands };
}

/** Sessions that insert numbers in every way that there is, in transactions of every kind, with errors in between. */
class Sessions {
  readonly #random: Random;
  #number = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  turn(): { readonly bytes: Uint8Array; readonly readies: number } {
    if (this.#chance(0.3)) return this.#transaction();
    if (this.#chance(0.5)) return this.#simple();
    const count = 1 + this.#below(4);
    const moves = Array.from({ length: count }, () => this.#extended());
    return { bytes: Buffer.concat([...moves.flat(), SYNC]), readies: 1 };
  }

  /** One that mostly commits, with savepoints that are there. */
  #transaction(): { readonly bytes: Uint8Array; readonly readies: number } {
    const points: string[] = [];
    const texts = Array.from({ length: 3 + this.#below(8) }, () => {
      const kind = this.#below(10);
      const point = this.#pick(points.length > 0 ? points : ['a']);
      if (kind < 5 || (kind > 6 && points.length === 0)) return `insert into log values (${++this.#number})`;
      if (kind < 7) {
        points.push(this.#pick(['a', 'b', '"B"']));
        return `savepoint ${points.at(-1)}`;
      }
      points.splice(points.lastIndexOf(point) + (kind === 7 ? 0 : 1));
      return kind === 7 ? `release ${point}` : `rollback to ${point}`;
    });
    const all = ['rollback', 'begin', ...texts, this.#pick(['commit', 'commit', 'commit', 'rollback'])];
    const isOne = this.#chance(0.3);
    const bytes = isOne ? query(all.join(';')) : Buffer.concat(all.map(query));
    return { bytes, readies: isOne ? 1 : all.length };
  }

  #simple(): { readonly bytes: Uint8Array; readonly readies: number } {
    const count = this.#pick([1, 1, 1, 2, 3]);
    const texts = Array.from({ length: count }, () => this.#text(true));
    const copies = texts.filter((text) => text.startsWith('copy')).map(() => this.#copyData());
    return { bytes: Buffer.concat([query(texts.join('; ')), ...copies.flat()]), readies: 1 };
  }

  #extended(): Uint8Array[] {
    const text = this.#text(false);
    const isBound = text.startsWith('insert') && this.#chance(0.5);
    const n = /\((\d+)\)/.exec(text)?.[1] ?? '';
    const parse = message(0x50, cstring(''), cstring(isBound ? text.replace(/\(\d+\)/, '($1)') : text), NONE);
    const values = isBound ? [Uint8Array.of(0, 1), int32(n.length), Buffer.from(n)] : [Uint8Array.of(0, 0)];
    const bind = message(0x42, cstring(''), cstring(''), NONE, ...values, NONE);
    const describe = this.#chance(0.5) ? [message(0x44, Buffer.from('P'), cstring(''))] : [];
    const max = text.startsWith('select') ? this.#pick([0, 0, 2]) : 0;
    const execute = message(0x45, cstring(''), int32(max));
    return [parse, bind, ...describe, execute, ...(max > 0 && this.#chance(0.5) ? [execute] : [])];
  }

  #text(withCopy: boolean): string {
    const kind = this.#below(100);
    if (kind < 40) return `insert into log values (${++this.#number})${this.#pick(['', ' returning n'])}`;
    if (kind < 50) return `select * from generate_series(1, ${this.#below(5)})`;
    if (kind < 56) return this.#pick(['select 1/0', 'selec 1', 'insert into log values (null)']);
    if (kind < 68 && withCopy) return 'copy log from stdin';
    return this.#pick([
      'begin',
      'begin',
      'commit',
      'commit',
      'rollback',
      'commit and chain',
      'rollback and chain',
      'savepoint a',
      'savepoint a',
      'savepoint b',
      'rollback to a',
      'rollback to savepoint b',
      'release a',
      'update t set n = 1 where n = 0',
    ]);
  }

  #copyData(): Uint8Array[] {
    const lines = Array.from({ length: this.#below(3) }, () =>
      message(0x64, Buffer.from(`${++this.#number}\n`)),
    );
    return [...lines, this.#chance(0.8) ? message(0x63) : message(0x66, cstring('given up'))];
  }

  #chance(chance: number): boolean {
    return this.#random() < chance;
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#below(items.length)]!;
  }
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

test('random sessions: what a recording says was done and stands is what the server has at the end', async () => {
  const random = randomFrom(20261129);
  const sessions = new Sessions(random);
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
    for (const { command, answer } of done.executions) {
      const rows = /generate_series/.test(command.text) && 'values' in command ? rowsOf(command) : undefined;
      if (answer.outcome === 'completed' && rows !== undefined && answer.rows !== undefined)
        expect(answer.rows).toBeLessThanOrEqual(rows);
      if (answer.affected !== undefined && /^insert/i.test(command.text)) expect(answer.affected).toBe(1);
    }
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
  for (const [kind, count] of Object.entries(totals)) expect(count, kind).toBeGreaterThan(3);
}, 60_000);

function rowsOf({ values }: { readonly values: readonly unknown[] }): number {
  const [, last] = values as { text: string }[];
  return Number(last?.text);
}
