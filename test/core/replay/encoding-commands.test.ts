import { describe, expect, test } from 'vitest';
import * as backend from '#core/protocols/postgres/backend.ts';
import { message } from '#core/protocols/postgres/wire.ts';
import {
  Commands,
  copyEncoding,
  encodingChange,
  unseenChange,
} from '#core/replay/postgres/encoding-commands.ts';
import type { Step } from '#core/replay/postgres/step.ts';
import type { Shown } from '#core/replay/step.ts';
import { conversation, framesOf, LOGIN, type Said, server, stepsOf } from './support.ts';

describe('encodingChange', () => {
  test.each([
    ["set client_encoding to 'latin1'", 'SET', { kind: 'set', encoding: 'latin1' }],
    ['SET SESSION client_encoding = SJIS', 'SET', { kind: 'set', encoding: 'sjis' }],
    ['/* c */ set -- x\n "client_encoding" to "UTF8"', 'SET', { kind: 'set', encoding: 'UTF8' }],
    ["set local names 'utf8'", 'SET', { kind: 'set-local', encoding: 'utf8' }],
    ["set names E'ut\\x668'", 'SET', { kind: 'unknown' }],
    ['set names default', 'SET', { kind: 'reset' }],
    ['set client_encoding to default', 'SET', { kind: 'reset' }],
    ['set names', 'SET', { kind: 'reset' }],
    ["set search_path to 'client_encoding'", 'SET', undefined],
    ['reset client_encoding', 'RESET', { kind: 'reset' }],
    ['reset all', 'RESET', { kind: 'reset' }],
    ['reset search_path', 'RESET', undefined],
    ['discard all', 'DISCARD ALL', { kind: 'reset' }],
    ['discard plans', 'DISCARD PLANS', undefined],
    ['rollback work', 'ROLLBACK', { kind: 'rollback' }],
    ['rollback to a', 'ROLLBACK', { kind: 'rollback-to' }],
    ['commit', 'COMMIT', { kind: 'commit' }],
    ["select set_config('client_encoding', 'x', false)", 'SELECT 1', { kind: 'unknown' }],
    ["do 'begin set names ''utf8''; end'", 'DO', { kind: 'unknown' }],
    ['show client_encoding', 'SHOW', undefined],
    ['create function f() returns int set client_encoding to x', 'CREATE FUNCTION', undefined],
    ['select 1', 'SELECT 1', undefined],
  ] as const)('%s', (sql, tag, expected) => {
    expect(encodingChange(sql, 1, tag)).toEqual(expected);
    expect(encodingChange(`;; select ';' ; ${sql}\n; select 2`, 2, tag)).toEqual(expected);
  });

  test.each([
    ["copy t to stdout (format csv, encoding 'latin1')", 'latin1'],
    ["copy t from stdin with encoding 'latin1'", 'latin1'],
    ['copy t to stdout (encoding win1251)', 'win1251'],
    ["copy t to stdout (encoding E'\\x6c')", 'unknown'],
    ["copy (select 'encoding ''latin1''') to stdout -- encoding 'latin1'", undefined],
    ['copy t (encoding) to stdout', undefined],
  ] as const)('%s', (sql, expected) => {
    expect(copyEncoding(sql, 1)).toBe(expected);
  });
});

describe('unseenChange', () => {
  const step = (text: string, more: Partial<Step> = {}): Step => ({
    kind: 'query',
    at: 0,
    took: 0,
    statement: { text, bytes: text.length, cut: false },
    ...more,
  });
  const shown = (text: string): Shown => ({ text, bytes: text.length, cut: false });

  test.each([
    ['select 1', 'no'],
    ["select set_config('search_path', 'client_encoding', false)", 'no'],
    ["select set_config('Client_Encoding', 'x', false)", 'seen'],
    ["select pg_catalog.set_config('client' || '_encoding', 'x', true)", 'seen'],
    ["select set_config(U&'\\0063lient_encoding', 'x', true)", 'seen'],
    ['select set_config($1, $2, true)', 'seen'],
    ["copy (select set_config('client_encoding', 'x', false)) to stdout", 'seen'],
    ["prepare a as select set_config('client_encoding', 'x', false)", 'no'],
    ['select f()', 'hidden'],
    ["select f('Latin-1')", 'seen'],
    ["select convert_to('x', 'LATIN1')", 'no'],
    ["do 'begin set local names ''x''; end'", 'seen'],
    ["do 'begin null; end'", 'hidden'],
    ['call p()', 'hidden'],
  ] as const)('%s: %s', (text, expected) => {
    expect(unseenChange(step(text))).toBe(expected);
    expect(unseenChange(step(`select 1; ${text}`, { part: 2 }))).toBe(expected);
    expect(unseenChange(step('execute a', { runs: shown(text) }))).toBe(expected);
  });

  test('values and strings that code is told, and code that is not known', () => {
    expect(unseenChange(step('select f($1)', { values: [shown('x'), shown('sjis')] }))).toBe('seen');
    expect(unseenChange(step("execute a('WIN1251')", { runs: shown('select f($1)') }))).toBe('seen');
    expect(unseenChange({ ...step('execute a'), doubt: 'not known' })).toBe('hidden');
    expect(unseenChange({ kind: 'function-call', at: 0, took: 0, values: [shown('utf8')] })).toBe('seen');
    expect(unseenChange({ kind: 'execute', at: 0, took: 0 })).toBe('hidden');
  });

  test('a text of thousands of commands is taken apart once', () => {
    const commands = new Commands();
    const text = 'select f();'.repeat(5000);
    const found = Array.from({ length: 5000 }, (_, at) =>
      unseenChange(step(text, { part: at + 1 }), commands),
    );
    expect(new Set(found)).toEqual(new Set(['hidden']));
    expect(commands.at(text, 7)).toBe(commands.at(text, 7));
  });
});

describe('a server that reports at once, as before PostgreSQL 14', () => {
  const said = (text: string): Uint8Array => message(0x51, Buffer.from(`${text}\0`, 'latin1'));
  const row = (text: string): Uint8Array => server.row(Buffer.from(text, 'latin1'));
  const utf8Login: readonly Said[] = LOGIN.map(([stream, ...messages]): Said => {
    const settings = [
      backend.parameterStatus('server_version', '13.4'),
      backend.parameterStatus('client_encoding', 'UTF8'),
    ];
    return stream === 'target' && messages[0]![0] === 0x53 ? [stream, ...settings] : [stream, ...messages];
  });

  test('what comes before the report is in the encoding before, what follows in the new', async () => {
    const steps = await stepsOf(
      framesOf([
        ...utf8Login,
        ['client', said('select hidden() /* \xc3\xa9 */')],
        [
          'target',
          server.columns(['a', 25]),
          row('\xc3\xa9'),
          backend.parameterStatus('client_encoding', 'LATIN1'),
          row('\xe9'),
        ],
        ['target', server.tag('SELECT 2'), server.ready],
      ]),
    );
    expect(steps[1]).toMatchObject({
      statement: { text: 'select hidden() /* é */' },
      rows: [[{ text: 'é', bytes: 2 }], [{ text: 'é', bytes: 1 }]],
    });
    expect(JSON.stringify(steps)).not.toContain('undecoded');
  });

  test('what the gateway says is UTF-8 in any session', async () => {
    const fatal = backend.errorResponse({
      severity: 'FATAL',
      sqlstate: '57P01',
      message: 'beendet – von dana',
    });
    const report = backend.parameterStatus('client_encoding', 'LATIN1');
    const steps = await stepsOf(framesOf([...utf8Login, ['target', report], ['gateway', fatal]]));
    expect(steps.find(({ kind }) => kind === 'error')!.error!.message).toBe('beendet – von dana');
  });
});

test('more doubtful texts than are kept until the report are bytes', async () => {
  const texts = 300;
  const filler = ' '.repeat(60_000);
  const run = (text: string): Uint8Array[] => [
    message(0x50, Buffer.from(`\0${text}\0\0\0`, 'latin1')),
    message(0x42, new Uint8Array(8)),
    message(0x45, new Uint8Array(5)),
  ];
  const answer = [server.parseComplete, server.bindComplete, server.tag('SELECT 1')];
  const steps = await conversation([
    ['client', ...run('select hidden()')],
    ['target', ...answer],
    ...Array.from({ length: texts }, (): Said => ['client', ...run(`select '\xc3\xa9'${filler}`)]),
    ...Array.from({ length: texts }, (): Said => ['target', ...answer]),
    ['client', message(0x53)],
    ['target', backend.parameterStatus('client_encoding', 'LATIN1'), server.ready],
  ]);
  expect(steps).toHaveLength(texts + 1);
  for (const { statement } of steps.slice(1)) {
    expect(statement).toMatchObject({ undecoded: true });
    expect(statement!.text.trim()).toBe(String.raw`select '\xc3\xa9'`);
  }
});
