import { describe, expect, test } from 'vitest';
import { postgresReader } from '#core/replay/postgres/reader.ts';
import type { JsonStep } from '#core/replay/reader.ts';
import { loadRedaction, type Redaction } from '#core/replay/redact/redaction.ts';

const SECRET = 'ada@example.com';
const shown = (text: string) => ({ text, bytes: text.length, cut: false });
const MARK = '[redacted: column email]';

const email = (await loadRedaction('postgres', { columns: ['email'], patterns: [] }))!;
const qualified = (await loadRedaction('postgres', { columns: ['people.email'], patterns: [] }))!;

function step(statement: string, more: object = {}): JsonStep {
  return { kind: 'query', at: 1, took: 1, outcome: 'completed', statement: shown(statement), ...more };
}

function left(given: JsonStep, redaction: Redaction = email): JsonStep {
  const json = redaction.json(given);
  expect(postgresReader.shape.safeParse(json).error).toBeUndefined();
  expect(redaction.json(json)).toBe(json);
  const read = redaction.step(postgresReader.ofJson(given));
  expect(read.toJson()).toEqual(json);
  expect(read.toText(400).includes(SECRET)).toBe(JSON.stringify(json).includes(SECRET));
  return json;
}

const textOf = (json: JsonStep): string => (json['statement'] as { text: string }).text;

describe('constants', () => {
  test.each([
    [
      `INSERT INTO people (id, email) VALUES (7, '${SECRET}'), (8, 'b')`,
      `INSERT INTO people (id, email) VALUES (7, '${MARK}'), (8, '${MARK}')`,
    ],
    [`INSERT INTO people VALUES (7, '${SECRET}')`, `INSERT INTO people VALUES ('${MARK}', '${MARK}')`],
    [
      `UPDATE people SET email = '${SECRET}', age = 7 WHERE id = 9`,
      `UPDATE people SET email = '${MARK}', age = 7 WHERE id = 9`,
    ],
    [
      `SELECT id FROM people WHERE email = '${SECRET}' AND id > 5`,
      `SELECT id FROM people WHERE email = '${MARK}' AND id > 5`,
    ],
    [
      `select id from people where "email" like 'ada%' or lower(EMAIL) = $$${SECRET}$$`,
      `select id from people where "email" like '${MARK}' or lower(EMAIL) = '${MARK}'`,
    ],
    [
      `INSERT INTO people (email, id) SELECT '${SECRET}', 7`,
      `INSERT INTO people (email, id) SELECT '${MARK}', 7`,
    ],
    [
      `DELETE FROM people WHERE email IN ('${SECRET}', E'x\\'y')`,
      `DELETE FROM people WHERE email IN ('${MARK}', '${MARK}')`,
    ],
    [`SELECT email = 'ada@exam'\n'ple.com' FROM people`, `SELECT email = '${MARK}' FROM people`],
    [`UPDATE t SET email = -5`, `UPDATE t SET email = '${MARK}'`],
    [`SELECT 1 /* email ${SECRET} */`, `SELECT 1 /* ${MARK} */`],
    [
      `WITH x AS (SELECT email AS e FROM people) SELECT 1 FROM x WHERE e = '${SECRET}'`,
      `WITH x AS (SELECT email AS e FROM people) SELECT '${MARK}' FROM x WHERE e = '${MARK}'`,
    ],
    [`DO $$ BEGIN UPDATE people SET email = '${SECRET}'; END $$`, `DO '${MARK}'`],
    [`SELECT data->>'email' = '${SECRET}' FROM t`, `SELECT data->>'${MARK}' = '${MARK}' FROM t`],
    [
      `PREPARE p AS INSERT INTO people (email) VALUES ('${SECRET}')`,
      `PREPARE p AS INSERT INTO people (email) VALUES ('${MARK}')`,
    ],
    [`SELECT '${SECRET} FROM people WHERE email`, MARK],
    [
      `SELECT U&"em\\0061il" FROM people WHERE U&"em\\0061il" = '${SECRET}'`,
      `SELECT U&"em\\0061il" FROM people WHERE U&"em\\0061il" = '${MARK}'`,
    ],
  ])('%s', (statement, expected) => {
    const json = left(step(statement));
    expect(textOf(json)).toBe(expected);
    expect(json['redacted']).toBe(true);
  });

  test.each([
    'SELECT id, total FROM orders WHERE total > 5',
    "INSERT INTO orders (id, item) VALUES (1, 'bolt')",
    "UPDATE orders SET user_email_sent = true, item = 'x' WHERE id = 7",
    'BEGIN',
    'SELECT * FROM orders WHERE EXISTS (SELECT * FROM items WHERE n = 7)',
    "WITH x AS (SELECT id FROM orders WHERE item = 'bolt') SELECT * FROM x",
  ])('%s has nothing to do with it, and is the same object', (statement) => {
    const given = step(statement);
    expect(email.json(given)).toBe(given);
  });
});

describe('results', () => {
  const rows = (statement: string, names: readonly string[], redaction = email, more: object = {}) => {
    const json = left(
      step(statement, {
        columns: names.map((name) => ({ name, type: 25 })),
        rows: [names.map((_name, at) => shown(`v${at}`)), names.map(() => null)],
        rowCount: 2,
        ...more,
      }),
      redaction,
    );
    return (json['rows'] as ({ text: string } | null)[][])[0]!.map(
      (cell) => cell!.text === MARK || cell!.text.includes('people.email'),
    );
  };

  test.each([
    ['SELECT id, email FROM people', ['id', 'email'], [false, true]],
    ['SELECT * FROM people', ['id', 'email', 'age'], [false, true, false]],
    ['SELECT * FROM people', ['id', 'Email'], [false, true]],
    ['SELECT id, email AS contact FROM people', ['id', 'contact'], [false, true]],
    ['SELECT lower(email), id FROM people', ['lower', 'id'], [true, false]],
    [
      'SELECT *, upper(email) AS u, 1 AS one FROM people',
      ['id', 'email', 'age', 'u', 'one'],
      [false, true, false, true, false],
    ],
    ['SELECT p FROM people p', ['p'], [true]],
    ['SELECT id, to_jsonb(p) FROM people p', ['id', 'to_jsonb'], [false, true]],
    ['SELECT row_to_json(p.*) FROM people p', ['row_to_json'], [true]],
    ['SELECT c FROM (SELECT email AS c FROM people) q', ['c'], [true]],
    ['SELECT c, a FROM (SELECT * FROM people) q(a, b, c)', ['c', 'a'], [true, true]],
    ['SELECT id, item FROM orders UNION SELECT * FROM people', ['id', 'item'], [true, true]],
    ['UPDATE people SET age = 7 RETURNING id, email e', ['id', 'e'], [false, true]],
    ['INSERT INTO people (id) VALUES (1) RETURNING *', ['id', 'email'], [false, true]],
    ["EXPLAIN SELECT id FROM people WHERE email = 'x'", ['QUERY PLAN'], [true]],
    ['SELECT id FROM people ORDER BY email', ['id'], [false]],
    ['SELECT id FROM people GROUP BY id HAVING max(email) > $1', ['id'], [false]],
    ['FETCH 5 FROM c', ['id', 'x'], [true, true]],
  ] as const)('%s', (statement, names, hidden) => {
    expect(rows(statement, names)).toEqual(hidden);
  });

  test('of FETCH, by the query of its cursor', () => {
    expect(
      rows('FETCH 5 FROM c', ['id', 'x'], email, { runs: shown('SELECT id, email AS x FROM people') }),
    ).toEqual([false, true]);
  });

  test('a table with the column is meant where one is named', () => {
    expect(rows('SELECT id, email FROM orders', ['id', 'email'], qualified)).toEqual([false, false]);
    expect(rows('SELECT id, email FROM app.people', ['id', 'email'], qualified)).toEqual([false, true]);
    expect(rows('SELECT * FROM f()', ['id', 'email'], qualified)).toEqual([false, true]);
  });

  test('of what nobody can tell, all of it', () => {
    const json = left({
      kind: 'unmatched',
      at: 1,
      took: 1,
      columns: [{ name: 'a', type: 25 }],
      rows: [[shown('x')]],
    });
    expect(json['rows']).toEqual([[{ text: MARK, bytes: 1, cut: false }]]);
  });

  test('of one of several commands', () => {
    const both = 'SELECT id FROM orders; SELECT email AS e FROM people';
    expect(rows(both, ['id'])).toEqual([false]);
    expect(rows(both, ['e'], email, { part: 2 })).toEqual([true]);
  });
});

describe('values', () => {
  const values = (statement: string, more: object = {}) => {
    const json = left(
      step(statement, { kind: 'execute', values: [shown('7'), shown(SECRET), null], ...more }),
    );
    return (json['values'] as ({ text: string } | null)[]).map((value) => value?.text);
  };

  test.each([
    ['INSERT INTO people (id, email, age) VALUES ($1, $2, $3)', ['7', MARK, undefined]],
    ['UPDATE people SET email = $2 WHERE id = $1', ['7', MARK, undefined]],
    ['SELECT id FROM people WHERE id = $1 AND email = $2::text', ['7', MARK, undefined]],
    ['INSERT INTO people VALUES ($1, $2, $3)', [MARK, MARK, undefined]],
    ['INSERT INTO orders (id, item) VALUES ($1, $2)', ['7', SECRET, undefined]],
    ['EXECUTE p($1, $2)', [MARK, MARK, undefined]],
  ])('%s', (statement, expected) => {
    expect(values(statement)).toEqual(expected);
  });

  test('of a statement that is not known, or in doubt', () => {
    expect(values('SELECT $1', { statement: undefined })).toEqual([MARK, MARK, undefined]);
    expect(values('SELECT $1, $2', { doubt: 'not all of it was kept' })).toEqual([MARK, MARK, undefined]);
  });

  test('a statement that is cut off may say the name where nobody sees it', () => {
    const cut = { ...shown('SELECT $1, $2 /* '), cut: true, bytes: 100_000 };
    expect(values('', { statement: cut })).toEqual([MARK, MARK, undefined]);
  });
});

describe('what the server says', () => {
  const report = (more: object) => ({
    severity: 'ERROR',
    sqlstate: '23505',
    message: 'duplicate key',
    ...more,
  });

  test('a key that is there already', () => {
    const json = left(
      step('INSERT INTO orders (id) VALUES (1)', {
        outcome: 'failed',
        error: report({ detail: `Key (email)=(${SECRET}) already exists.` }),
      }),
    );
    expect(json['error']).toEqual(report({ detail: MARK }));
  });

  test('a row that fails, which says no names', () => {
    const json = left(
      step('INSERT INTO people (id) VALUES (1)', {
        error: report({ detail: `Failing row contains (1, ${SECRET}).` }),
      }),
    );
    expect(json['error']).toEqual(report({ detail: MARK }));
  });

  test('a value that does not fit, repeated by a message', () => {
    const json = left(
      step('INSERT INTO people (email) VALUES ($1)', {
        error: report({
          sqlstate: '22P02',
          message: `invalid input syntax for type uuid: "${SECRET}"`,
          where: `unnamed portal parameter $1 = '${SECRET}'`,
        }),
      }),
    );
    expect(JSON.stringify(json)).not.toContain(SECRET);
  });

  test('a line of COPY, and its data', () => {
    const json = left({
      kind: 'copy-in',
      at: 1,
      took: 1,
      statement: shown('COPY people (id, email) FROM STDIN'),
      copy: { format: 'text', messages: 1, bytes: 10, sample: shown(`1\t${SECRET}\n`) },
      error: report({
        sqlstate: '22P04',
        message: 'extra data',
        where: `COPY people, line 1: "1\t${SECRET}"`,
      }),
    });
    expect(JSON.stringify(json)).not.toContain(SECRET);
    const other = step('COPY people (id, age) TO STDOUT', {
      copy: { format: 'text', messages: 1, bytes: 10, sample: shown('1\t2\n') },
    });
    expect(email.json(other)).toBe(other);
  });

  test('a notification and a note that say the name', () => {
    const notification = { channel: 'c', payload: shown(`{"email":"${SECRET}"}`), processId: 1 };
    expect(JSON.stringify(left({ kind: 'notification', at: 1, took: 0, notification }))).not.toContain(
      SECRET,
    );
    const note = { note: 'refused', message: `UPDATE people SET email = '${SECRET}'` };
    expect(JSON.stringify(left({ kind: 'note', at: 1, took: 0, note }))).not.toContain(SECRET);
  });
});
