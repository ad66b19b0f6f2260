import { serialize } from 'pg-protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { message } from '#core/protocols/postgres/wire.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import { shownOf, type Turn } from './real.ts';
import { OracleServer } from './server.ts';

const { bind, execute, sync } = serialize;
const S = sync();
const E = execute({});
/** Messages whose texts are written one character a byte. */
const Q = (text: string): Uint8Array => message(0x51, bytes(`${text}\0`));
const P = (name: string, text: string): Uint8Array => message(0x50, bytes(`${name}\0${text}\0\0\0`));
const B = (statement: string): Uint8Array => message(0x42, bytes(`\0${statement}\0\0\0\0\0\0\0`));
const run = (text: string): Uint8Array[] => [P('', text), bind({}), E];
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
/** In LATIN1 this is what it looks like; in UTF-8 it is é. */
const TWO = 'Ã©';
/** The same said by the server, whatever the encoding is. */
const SAID = 'chr(195) || chr(169)';
const SHOWN_AS_BYTES = String.raw`\xc3\xa9`;

const server = new OracleServer();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.stop());

async function letters(...turns: Turn[]): Promise<(string | undefined)[]> {
  return (await shownOf(server, turns)).map(said);
}

/** What of the answer is beyond ASCII, and its mark. */
function said({ rows, error, notices, statement }: Step): string | undefined {
  const shown = (rows ?? []).flat().find((value) => /[^\0-\x7f]|\\x/.test(value?.text ?? ''));
  if (shown) return `${shown.text}${shown.undecoded ? ' bytes' : ''}`;
  const report = error ?? notices?.[0];
  if (report !== undefined) return `${report.message}${report.undecoded ? ' bytes' : ''}`;
  return statement?.undecoded && 'statement bytes';
}

describe('what may have been said in another encoding than the server reports is bytes', () => {
  const AS_BYTES = `${SHOWN_AS_BYTES} bytes`;
  const LOCALLY = "set_config('client' || '_encoding', 'LATIN1', true)";

  test('an error that is all that a statement says', async () => {
    const body = `begin perform set_config('client_encoding', 'LATIN1', false); raise exception '%', ${SAID}; end`;
    expect(await letters([1, Q(`do $$ ${body} $$`)])).toEqual([AS_BYTES]);
    expect(await letters([1, ...run(`do $$ ${body} $$`), S])).toEqual([AS_BYTES]);
  });

  test('a setting for as long as the transaction, of which no report is left', async () => {
    expect(await letters([1, Q(`select ${LOCALLY}, ${SAID}`)])).toEqual([AS_BYTES]);
    const inOne = `begin; select ${LOCALLY}; select ${SAID}; commit`;
    expect((await letters([1, Q(inOne)]))[2]).toBe(AS_BYTES);
    const pipeline = [...run(`select ${LOCALLY}`), ...run(`select ${SAID}`), S];
    expect((await letters([1, ...pipeline]))[1]).toBe(AS_BYTES);
  });

  test('one that a prepared statement makes, a portal that is not read to its end, a function that is told an encoding', async () => {
    const prepared: Turn = [1, Q(`prepare c as select ${LOCALLY}`)];
    expect((await letters(prepared, [1, Q(`execute c; select ${SAID}`)])).at(-1)).toBe(AS_BYTES);
    const some = [P('', `select ${LOCALLY} from generate_series(1, 2)`), bind({}), execute({ rows: 1 })];
    expect((await letters([1, ...some, ...run(`select ${SAID}`), S]))[1]).toBe(AS_BYTES);
    const made: Turn = [
      1,
      Q(`create function pg_temp.f(text) returns text language sql as
        $$ select set_config('client_' || 'encoding', $1, true) $$`),
    ];
    expect((await letters(made, [1, Q(`select pg_temp.f('latin-1'); select ${SAID}`)])).at(-1)).toBe(
      AS_BYTES,
    );
  });

  test('a function of a session that names the setting', async () => {
    const made: Turn = [
      1,
      Q(`create function pg_temp.f() returns int language plpgsql set client_encoding to latin1 as
        $$ begin raise notice '%', ${SAID}; return 1; end $$`),
    ];
    expect((await letters(made, [1, Q('select pg_temp.f()')])).at(-1)).toBe(AS_BYTES);
  });

  test('also a byte of ASCII that may be the second of a character', async () => {
    const both = `set client_encoding to sjis; select set_config('client_encoding', 'SJIS', true); select '\x83A,'`;
    expect((await letters([1, Q('set client_encoding to sjis')], [1, Q(both)])).at(-1)).toBe(
      String.raw`\x83\x41, bytes`,
    );
  });
});

test('other settings, and code that does not touch it, leave letters as they are', async () => {
  const text = `select set_config('search_path', 'public', false); select gen_random_uuid(), ${SAID}`;
  expect((await letters([1, Q(text)])).at(-1)).toBe(TWO);
  const made = `create function pg_temp.f() returns int language sql as 'select 1'`;
  expect((await letters([1, Q(made)], [1, Q(`select pg_temp.f(), ${SAID}`)])).at(-1)).toBe(TWO);
});

test('a name stands for nothing for certain, where it is not known in which encoding it is', async () => {
  const [first, second] = ["select 'first'", "select 'second'"];
  const made: Turn = [1, P(TWO, first), P('Ã\x83Â©', second), S];
  const change = run("select set_config('client_encoding', 'LATIN1', false)");
  const steps = await shownOf(server, [made, [1, ...change, B(TWO), E, S]]);
  const last = steps.at(-1)!;
  expect(last.rows).toMatchObject([[{ text: 'second' }]]);
  expect(last.statement?.text === second || last.doubt !== undefined).toBe(true);

  const close = message(0x43, bytes('S\xe9\0'));
  const anew: Turn = [1, ...change, close, P('\xe9', "select 'third'"), S];
  const later = (await shownOf(server, [made, anew, [1, B('\xe9'), E, S]])).at(-1)!;
  expect(later.rows).toMatchObject([[{ text: 'third' }]]);
  expect(later.statement?.text === "select 'third'" || later.doubt !== undefined).toBe(true);
});

test('a COPY that fails for bytes that are no text has read on, or not: the answers tell which Sync they are to', async () => {
  await shownOf(server, [[1, Q('create table words (word text)')]]);
  const data = (text: string): Uint8Array => message(0x64, bytes(text));
  const end = message(0x63);
  for (const [text, syncs] of [
    ['\xe9\n', 1],
    [`\xe9\n${'more\n'.repeat(10)}`, 2],
  ] as const) {
    const copy = [P('', 'copy words from stdin'), bind({}), E, data(text), S, end, S];
    const steps = await shownOf(server, [[syncs + 1, ...copy, Q("select 'after'")]]);
    expect(steps.map(({ kind, outcome, statement }) => [kind, outcome, statement?.text])).toEqual([
      ['copy-in', 'failed', 'copy words from stdin'],
      ['query', 'completed', "select 'after'"],
    ]);
  }
});
