import { beforeAll, describe, expect, it } from 'vitest';
import type { CommandReader, PreparedStatement } from '#core/protocols/postgres/shapes/commands.ts';
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import type { DeclaredCommand } from '#core/tasks/schema.ts';
import { isReadable, type SeenValue } from '#core/tasks/seen.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import { commandOf, localReader, PLAIN, words } from './support.ts';

let reader: CommandReader;
let shapes: CommandShapes;
beforeAll(async () => {
  reader = await localReader();
  shapes = await loadPostgresShapes();
});

/** `many`: the open places that are lists. */
function command(statement: string, many: readonly string[] = []): DeclaredCommand {
  const holes = new Set(statement.match(/\$\d+/g) ?? []);
  const values = Object.fromEntries(
    [...holes].map((hole) => [
      hole,
      { type: 'integer' as const, nullable: false, ...(many.includes(hole) && { many: 5 }) },
    ]),
  );
  return { name: 'c', statement, values, times: { min: 1, max: 1 }, answers: { error: 'none' } };
}

describe('a command that is declared', () => {
  it('has open places and fixed values, in their order', () => {
    const declared = shapes.declare(
      command("UPDATE t SET a = $2, b = 'x' WHERE c IN ($1) AND d IN (1, 2)", ['$1']),
    );
    expect(declared.places).toEqual([
      { hole: '$2' },
      { constant: { kind: 'text', text: 'x' } },
      { hole: '$1' },
      {
        constant: {
          list: [
            { kind: 'integer', text: '1' },
            { kind: 'integer', text: '2' },
          ],
        },
      },
    ]);
    const seen = commandOf(reader, "UPDATE t SET a = 1, b = 'y' WHERE c IN (4, 5) AND d IN (3)");
    expect(declared.shape).toBe(seen.shape);
  });

  it.each([
    ['SELEC 1', 'the statement does not parse: syntax error at or near "SELEC"'],
    ['SELECT 1; SELECT 2', 'several commands'],
    ['-- nothing', 'no command'],
    ['DO $$ BEGIN END $$', 'DO, whose effects cannot be told'],
    ["COPY t FROM PROGRAM 'x'", 'COPY of a program'],
    ["COPY t TO '/tmp/x'", 'COPY of a file of the server'],
    ["SET work_mem = '1MB'", 'say under sets'],
    ['SET ROLE x', 'say under sets'],
    ['BEGIN', 'transactions'],
    ['COMMIT', 'transactions'],
    ['PREPARE p AS SELECT 1', 'names a prepared statement'],
    ['EXECUTE p', 'runs a prepared statement by its name'],
    ['EXPLAIN ANALYZE EXECUTE p', 'runs a prepared statement by its name'],
    ['CREATE TABLE t AS EXECUTE p', 'runs a prepared statement by its name'],
    ['DEALLOCATE ALL', 'prepared statements'],
    ["LOAD 'x'", 'loads a library'],
    ['DECLARE "custody: x" CURSOR FOR SELECT 1', "a name of the gateway's own"],
    ['SELECT $2', 'has $2, and no $1'],
    ['SELECT $100', 'more open places'],
    ['SELECT 1 WHERE a IN ($1)', '$1 stands for a list'],
    ['SELECT 1 WHERE a = ANY ($1)', '$1 stands for a list'],
    ['SELECT 1 WHERE a IN ($1, 2)', 'either of fixed values or one open place'],
    ['CREATE VIEW v AS SELECT $1', 'a parameter where no value can be given'],
    ["SELECT 1 WHERE a = ANY ('{{1}}')", 'more than one dimension'],
  ])('is none of %s', (statement, why) => {
    expect(() => shapes.declare(command(statement))).toThrow(why);
  });

  it('says that one value is no list', () => {
    expect(() => shapes.declare(command('SELECT 1 WHERE a = $1', ['$1']))).toThrow('stands for one value');
  });

  it.each([
    'COPY t FROM STDIN',
    'DECLARE c CURSOR FOR SELECT 1',
    'FETCH 5 FROM c',
    'CLOSE c',
    'LISTEN x',
    'CALL p(1)',
    'TRUNCATE t',
    'ANALYZE t',
  ])('is one of %s', (statement) => {
    expect(shapes.declare(command(statement)).shape).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a command that is rendered', () => {
  const render = (
    statement: string,
    values: Record<string, string | null | readonly string[]>,
    many?: string[],
  ) => shapes.render(command(statement, many), new Map(Object.entries(values)));

  it('has parameters for its open places, and its fixed values as they are written', () => {
    expect(
      render("UPDATE t SET a = $2, b = 'x' WHERE c = $1 OR d = $1 OR e = -5", { $1: '7', $2: null }),
    ).toEqual({
      statement: "UPDATE t SET a = $1, b = 'x' WHERE c = $2 OR d = $2 OR e = -5",
      values: [null, '7'],
    });
  });

  it('has lists', () => {
    expect(
      render('SELECT 1 WHERE a IN ($1) AND b = ANY ($2)', { $1: ['1', '2'], $2: ['x"y', 'z'] }, ['$1', '$2']),
    ).toEqual({
      statement: 'SELECT 1 WHERE a IN ($1, $2) AND b = ANY ($3)',
      values: ['1', '2', '{"x\\"y","z"}'],
    });
  });

  it('is of the shape that was declared', () => {
    const declared = shapes.declare(command('SELECT 1 WHERE a IN ($1) AND b = $2', ['$1']));
    const { statement, values } = render('SELECT 1 WHERE a IN ($1) AND b = $2', { $1: ['1', '2'], $2: '3' }, [
      '$1',
    ]) as { statement: string; values: string[] };
    const prepared = reader.prepare(Buffer.from(statement), [], PLAIN) as PreparedStatement;
    const { command: seen } = prepared.bind(
      [],
      values.map((one) => Buffer.from(one)),
    );
    expect(seen).toMatchObject({ shape: declared.shape });
    expect(isReadable(seen) && seen.values.map(words)).toEqual(['integer:1', ['any:1', 'any:2'], 'any:3']);
  });

  it.each([
    [{ $1: ['1'] }, 'one value, not a list'],
    [{}, 'a value for $1 is missing'],
  ])('wants its values: %j', (values, why) => {
    expect(() => render('SELECT $1', values)).toThrow(why);
  });

  it('has no empty list in IN', () => {
    expect(() => render('SELECT 1 WHERE a IN ($1)', { $1: [] }, ['$1'])).toThrow('is empty');
  });
});

describe('a command that is written as one of a contract', () => {
  it.each([
    [
      "UPDATE t SET a = 1, b = 'it''s' WHERE c IN (1, 2)",
      [true, false, true],
      "UPDATE t SET a = $1, b = 'it''s' WHERE c IN ($2)",
    ],
    [
      "SELECT DATE '2026-11-29', true, NULL, -5",
      [false, false, false, false],
      "SELECT CAST('2026-11-29' AS DATE), true, NULL, -5",
    ],
    ["SELECT E'a\\nb' WHERE a IN (1, 2)", [false, false], "SELECT 'a\nb' WHERE a IN (1, 2)"],
  ])('%s', (text, open, statement) => {
    const seen = commandOf(reader, text);
    expect(shapes.write(seen, open)).toEqual({ statement });
    expect(shapes.declare(command(statement, ['$2'])).shape).toBe(seen.shape);
  });

  it('has bind values as open places alone', () => {
    const prepared = reader.prepare(Buffer.from('SELECT $1'), [], PLAIN) as PreparedStatement;
    const { command: seen } = prepared.bind([], [Buffer.from('1')]);
    expect(isReadable(seen) && shapes.write(seen, [true])).toEqual({ statement: 'SELECT $1' });
    expect(() => isReadable(seen) && shapes.write(seen, [false])).toThrow('a bind value is an open place');
  });
});

describe('values that are bound', () => {
  const TEXT = 0;
  const BINARY = 1;
  function bound(
    oid: number,
    format: number,
    bytes: Uint8Array | null,
    described?: number,
    text = 'SELECT $1',
  ): SeenValue | string {
    const prepared = reader.prepare(Buffer.from(text), [oid], PLAIN) as PreparedStatement;
    const { command: seen } = prepared.bind(
      [format],
      [bytes],
      described === undefined ? undefined : [described],
    );
    return isReadable(seen) ? seen.values.at(-1)! : seen.why;
  }
  const hex = (text: string) => Buffer.from(text, 'hex');
  const UNREADABLE = 'has a value that cannot be read';

  it.each([
    [0, TEXT, Buffer.from('5'), undefined, 'any:5'],
    [23, TEXT, Buffer.from('5'), undefined, 'integer:5'],
    [25, TEXT, Buffer.from('5'), undefined, 'text:5'],
    [16, TEXT, Buffer.from('t'), undefined, 'boolean:t'],
    [2950, TEXT, Buffer.from('x'), undefined, 'uuid:x'],
    [23, TEXT, null, undefined, 'integer:NULL'],
    [23, BINARY, hex('ffffffff'), undefined, 'integer:-1'],
    [21, BINARY, hex('0102'), undefined, 'integer:258'],
    [20, BINARY, hex('7fffffffffffffff'), undefined, 'integer:9223372036854775807'],
    [16, BINARY, hex('01'), undefined, 'boolean:t'],
    [701, BINARY, hex('3ff8000000000000'), undefined, 'number:1.5'],
    [1082, BINARY, hex('00000000'), undefined, 'date:2000-01-01'],
    [1114, BINARY, hex('0000000000000000'), undefined, 'timestamp:2000-01-01 00:00:00'],
    [1700, BINARY, hex('0003000100000003000109291a7c'), undefined, 'number:12345.678'],
    [1700, BINARY, hex('0001ffff400000040001'), undefined, 'number:-0.0001'],
    [1700, BINARY, hex('00010001000000000001'), undefined, 'number:10000'],
    [0, BINARY, hex('00000005'), 23, 'any:5'],
  ])('of type %i, format %i: %#', (oid, format, bytes, described, expected) => {
    const value = bound(oid, format, bytes, described);
    expect(typeof value === 'string' ? value : words(value)).toBe(expected);
  });

  it.each([
    ['a type that nobody knows', 3802, TEXT, Buffer.from('{}')],
    ['binary without a type', 0, BINARY, hex('00000005')],
    ['a number of another size', 23, BINARY, hex('0005')],
    ['NaN', 1700, BINARY, hex('00000000c0000000')],
    ['bytes that are no text', 25, TEXT, hex('ff')],
    ['an array where one value belongs', 1007, TEXT, Buffer.from('{1}')],
    ['another format', 25, 7, Buffer.from('x')],
  ])('cannot be read: %s', (_, oid, format, bytes) => {
    expect(bound(oid, format, bytes)).toBe(UNREADABLE);
  });

  it('are lists where an array belongs', () => {
    const list = 'SELECT 1 WHERE a = ANY ($1)';
    const array = hex('00000001000000000000001700000002000000010000000400000007ffffffff');
    const read = (...of: Parameters<typeof bound>) => {
      const value = bound(of[0], of[1], of[2], of[3], list);
      return typeof value === 'string' ? value : words(value);
    };
    expect(read(0, TEXT, Buffer.from('{1,NULL,"a,b"}'))).toEqual(['any:1', 'any:NULL', 'any:a,b']);
    expect(read(1007, BINARY, array)).toEqual(['integer:7', 'integer:NULL']);
    expect(read(0, BINARY, array, 1007)).toEqual(['any:7', 'any:NULL']);
    expect(read(1009, BINARY, array)).toBe(UNREADABLE);
    expect(read(1007, BINARY, array.subarray(0, 30))).toBe(UNREADABLE);
    expect(read(23, TEXT, Buffer.from('5'))).toBe(UNREADABLE);
    expect(read(0, TEXT, Buffer.from('{{1}}'))).toBe(UNREADABLE);
  });

  it('are missing where too few are given', () => {
    const prepared = reader.prepare(Buffer.from('SELECT $1, $2'), [], PLAIN) as PreparedStatement;
    expect(prepared.parameters).toBe(2);
    expect(prepared.bind([], [Buffer.from('1')]).command).toMatchObject({ why: UNREADABLE });
  });
});
