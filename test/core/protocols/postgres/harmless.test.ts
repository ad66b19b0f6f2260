import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endsTransaction, harmless } from '#core/protocols/postgres/harmless.ts';

const TRANSACTIONS = [
  'BEGIN',
  'begin;',
  ' Begin Work ;; ',
  'BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY',
  'begin isolation level serializable read write not deferrable',
  'START TRANSACTION',
  'START TRANSACTION READ ONLY',
  'COMMIT',
  'commit transaction and no chain',
  'END',
  'COMMIT AND CHAIN',
  'ROLLBACK AND CHAIN',
  'SAVEPOINT a',
  'savepoint "_pg3_1"',
  'SAVEPOINT savepoint',
  'RELEASE a',
  'RELEASE SAVEPOINT "s 1"',
  'ROLLBACK TO a',
  'ROLLBACK TRANSACTION TO SAVEPOINT a',
  'SET TRANSACTION ISOLATION LEVEL READ COMMITTED',
  'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
];
const SETTINGS = [
  'SET statement_timeout = 5000',
  "set local lock_timeout to '5s'",
  "SET SESSION application_name = 'my app'",
  'SET application_name TO psql',
  'set idle_in_transaction_session_timeout=0',
  'RESET statement_timeout',
  'SHOW search_path',
  'show transaction isolation level',
  'SHOW server_version;',
  'SET client_min_messages TO warning',
];
const UNDO = ['ROLLBACK', 'abort', 'Rollback Work;', 'ROLLBACK TRANSACTION'];

const NONE = [
  '',
  ';',
  'select 1',
  'BEGIN; DROP TABLE t',
  'BEGIN -- x',
  'BEGIN /* x */',
  '/* x */ BEGIN',
  'BEGIN DROP',
  'BEGIN READ',
  'BEGIN, READ ONLY',
  'BEGIN READ ONLY,',
  'COMMIT PREPARED',
  "COMMIT PREPARED 'x'",
  "ROLLBACK PREPARED 'x'",
  "PREPARE TRANSACTION 'x'",
  "SET TRANSACTION SNAPSHOT '00000003-0000001B-1'",
  'SET TRANSACTION',
  'SAVEPOINT',
  'SAVEPOINT a b',
  'SAVEPOINT U&"a"',
  'SAVEPOINT "a""b"',
  'SAVEPOINT é',
  'ROLLBACK TO',
  'SET search_path = evil',
  'SET SESSION search_path = evil',
  'SET "search_path" = evil',
  'SET U&"search_path" = evil',
  'SET role = postgres',
  'SET ROLE postgres',
  'SET SESSION AUTHORIZATION postgres',
  'SET standard_conforming_strings = off',
  "SET client_encoding = 'SJIS'",
  "SET NAMES 'SJIS'",
  'SET backslash_quote = on',
  'SET TIME ZONE 0',
  'SET datestyle = dmy',
  'SET extra_float_digits = 3',
  'SET session_replication_role = replica',
  'SET statement_timeout = 1, 2',
  'SET statement_timeout FROM CURRENT',
  "SET application_name = E'x'",
  "SET application_name = 'a''b'",
  "SET application_name = 'a\\b'",
  'SET application_name = $$x$$',
  'SET statement_timeout = 1; SET search_path = evil',
  'SET statement_timeout.search_path = x',
  'RESET ALL',
  'RESET search_path',
  'RESET ROLE',
  'DISCARD ALL',
  'SHOW ALL',
  'SHOW config_file',
  'SHOW "server_version"',
  'LOCK TABLE t',
  'SET statement_timeout\u00a0= 1',
  'BEGIN\u2028',
  'ＢＥＧＩＮ',
  'BEGİN',
  'ſet statement_timeout = 1',
];

describe('commands that a rule can let pass beside those that were approved (security case 23)', () => {
  it.each(TRANSACTIONS)('%s is of transactions', (text) => expect(harmless(text)).toBe('transactions'));
  it.each(SETTINGS)('%s is of settings', (text) => expect(harmless(text)).toBe('settings'));
  it.each(UNDO)('%s undoes', (text) => expect(harmless(text)).toBe('undo'));
  it.each(NONE)('%j is none of them', (text) => expect(harmless(text)).toBeUndefined());

  it('anything more is none of them, wherever it stands', () => {
    const pieces = [
      '; drop table t',
      ' select ',
      ' "',
      " '",
      ' $$',
      ' --',
      ' /*',
      ' \\',
      '(',
      ' :: int',
      ' é',
      '\0',
    ];
    const one = fc
      .constantFrom(...TRANSACTIONS, ...SETTINGS, ...UNDO)
      .map((text) => text.replace(/[\s;]+$/, ''));
    fc.assert(
      fc.property(one, fc.constantFrom(...pieces), fc.nat(), (text, piece, n) => {
        const at = n % (text.length + 1);
        const more = text.slice(0, at) + piece + text.slice(at);
        const kind = harmless(more);
        // Within the quotes of a text or a name it is a part of that.
        expect(kind === undefined || /['"]/.test(text)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes no time that grows with its square', () => {
    for (const text of ['BEGIN '.repeat(40_000), `SAVEPOINT "${'a'.repeat(60_000)}`, ' ,'.repeat(60_000)])
      expect(harmless(text)).toBeUndefined();
  });
});

describe('the end of a transaction', () => {
  it.each(['commit', ' END ;; ', 'commit and no chain', 'Rollback to savepoint a_1', 'ABORT work'])(
    'is %j',
    (text) => expect(endsTransaction(text)).toBe(true),
  );

  it.each([
    '',
    ';',
    'begin',
    'commit; select 1',
    'commit -- x',
    "commit prepared 'x'",
    'commit, commit',
    'committed',
    'select 1',
  ])('is not %j', (text) => expect(endsTransaction(text)).toBe(false));

  it('is told in no more time than a text is long (security case 16)', () => {
    for (const end of ['!', 'x', ';'])
      expect(endsTransaction(`commit${' '.repeat(1 << 20)}${end}`)).toBe(end !== '!');
  });
});
