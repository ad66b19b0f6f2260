import { describe, expect, it } from 'vitest';
import { copiesFromClient, refuseUnapprovable } from '#core/protocols/postgres/approvable.ts';
import { refusalOf } from './support.ts';

const COPIES = [
  'copy t from stdin',
  'COPY t (a, b) FROM STDIN WITH (FORMAT csv)',
  'copy t from stdout',
  '/* x */ copy t -- y\n from /* z */ stdin',
  'COPY BINARY t FROM STDIN',
  'select 1; copy public.t from stdin',
  'copy "select" from stdin where a > 1',
  'create function begin() returns int language sql as $$ select 1 $$; copy t from stdin',
];
const CHANGES = [
  "set client_encoding = 'SJIS'",
  "SET NAMES 'SJIS'",
  'set search_path = evil',
  'set local search_path to evil',
  'SET SESSION search_path = evil',
  'set "search_path" = evil',
  'set standard_conforming_strings = off',
  'set role admin',
  'set session authorization admin',
  'set time zone 0',
  'set xml option document',
  "set schema 'x'",
  'set app.tenant = 5',
  'reset search_path',
  'RESET ALL',
  'discard all',
  'select 1; /* x */ set search_path = evil',
];
const FINE = [
  'select 1',
  'copy t to stdout',
  'copy t to stdin',
  "copy t from '/tmp/x'",
  'copy (select * from stdin) to stdout',
  "select 'copy t from stdin'",
  'select $$; copy t from stdin$$',
  "select ';set search_path = evil'",
  'update t set search_path = 1',
  'begin',
  'set transaction isolation level serializable',
  'set constraints all deferred',
  "set statement_timeout = '5s'",
  "set work_mem = '1GB'",
  'set local jit = off',
  'reset work_mem',
  'alter role app set search_path = app',
  'discard temp',
];

describe('what cannot be approved is refused when it is asked for (security case 23)', () => {
  it.each(COPIES)('%s reads what no approval names', (text) => {
    expect(copiesFromClient(text)).toBe(true);
    expect(() => refuseUnapprovable(['select 1', text])).toThrow(
      'command 2 cannot be approved: the data of a COPY',
    );
  });

  it.each(CHANGES)('%s changes what the others mean', (text) => {
    expect(() => refuseUnapprovable([text])).toThrow('command 1 cannot be approved: it changes settings');
  });

  it.each(FINE)('%s can', (text) => {
    expect(copiesFromClient(text)).toBe(false);
    expect(refusalOf(() => refuseUnapprovable([text]))).toBe('none');
  });

  it.each(["select 'x", 'select /* x', '\\d t'])('%s is no command', (text) => {
    expect(['format-invalid', 'unsupported']).toContain(refusalOf(() => refuseUnapprovable([text])));
  });
});
