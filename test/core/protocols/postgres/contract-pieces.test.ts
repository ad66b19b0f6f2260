import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callsFunctions } from '#core/protocols/postgres/calls-functions.ts';
import { ContractPieces, kept } from '#core/protocols/postgres/contract-pieces.ts';
import { maySet } from '#core/protocols/postgres/meaning.ts';
import { Frontend } from '#core/protocols/postgres/messages.ts';
import { TransactionLog } from '#core/protocols/postgres/transaction-log.ts';
import { concat, cstring, int32, message } from '#core/protocols/postgres/wire.ts';

const NONE = Uint8Array.of(0, 0);
const query = message(Frontend.query, cstring('select 1'));
const parse = message(Frontend.parse, cstring('a'), cstring('select $1'), NONE);
const value = [Uint8Array.of(0, 1), int32(3), Buffer.from('abc')];
const bind = message(Frontend.bind, cstring(''), cstring('a'), NONE, ...value, NONE);
const execute = message(Frontend.execute, cstring(''), int32(0));
const data = message(Frontend.copyData, Buffer.from('some data\n'));
const sync = message(Frontend.sync);
const flush = message(Frontend.flush);
const long = message(Frontend.query, new Uint8Array(300 << 10));
const broken = message(Frontend.bind, cstring('only'));

/** What came out, and all of its bytes as they stood when they did; what was given is overwritten at once, as the relay does it. */
function cut(parts: readonly Uint8Array[]) {
  const pieces = new ContractPieces();
  const found: { end: string; kinds: string; problem: boolean; bytes: string }[] = [];
  for (const part of parts) {
    const given = Buffer.from(part);
    const waiting: ReturnType<typeof kept>[] = [];
    pieces.take(given, (piece) => waiting.push(kept(piece)));
    given.fill(0xff);
    for (const { end, messages, bytes, problem } of waiting) {
      const kinds = messages
        .map((one) => `${one.kind}${'text' in one ? Buffer.from(one.text).toString() : ''}`)
        .join(' ');
      const last = found.at(-1);
      const hex = Buffer.from(bytes).toString('hex');
      // Data comes in as many parts as it was sent in.
      if (end === 'copy' && last?.end === 'copy') last.bytes += hex;
      else found.push({ end, kinds, problem: problem !== undefined, bytes: hex });
    }
  }
  return found;
}

describe('the pieces of a client under a contract', () => {
  it('are the same however they are cut', () => {
    const sent = fc.array(
      fc.constantFrom(
        query,
        parse,
        bind,
        execute,
        data,
        sync,
        flush,
        long,
        broken,
        message(Frontend.copyDone),
      ),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(sent, fc.array(fc.nat(400), { maxLength: 6 }), (messages, cuts) => {
        const bytes = concat(messages);
        const borders = [0, ...cuts.map((at) => Math.min(at, bytes.length)), bytes.length].toSorted(
          (a, b) => a - b,
        );
        const parts = borders.slice(1).map((end, at) => bytes.subarray(borders[at], end));
        // A COPY's data in the middle of a pipeline is where it may be cut in another place.
        expect(cut(parts)).toEqual(cut([bytes]));
      }),
      { numRuns: 300 },
    );
  });

  it('a pipeline that cannot pass takes its rest with it, up to the Sync', () => {
    const ends = cut([concat([parse, broken, bind, execute, flush, sync, query])]).map(({ end }) => end);
    expect(ends).toEqual(['dropped', 'sync', 'query']);
  });

  it('what is too long is passed over without being kept', () => {
    const found = cut([concat([long, query])]);
    expect(found.map(({ end, problem }) => [end, problem])).toEqual([
      ['query', true],
      ['query', false],
    ]);
  });

  it.each([
    ['a length that none can have', Uint8Array.of(0x51, 0, 0, 0, 3)],
    ['a message of nobody', message(0x21)],
    ['a password in the middle', message(Frontend.password, cstring('x'))],
  ])('%s ends it', (_what, bytes) => {
    expect(cut([bytes, query]).map(({ end }) => end)).toEqual(['fatal']);
  });
});

describe('what a transaction takes back', () => {
  it('ROLLBACK all, to a savepoint what came after it, COMMIT nothing', () => {
    const log = new TransactionLog<string>();
    log.completed('a', 'INSERT', 'insert');
    log.completed('-', 'SAVEPOINT', 'SAVEPOINT s');
    log.completed('b', 'INSERT', 'insert');
    expect(log.completed('-', 'ROLLBACK', 'ROLLBACK TO SAVEPOINT s')).toEqual(['b']);
    log.completed('c', 'INSERT', 'insert');
    expect(log.completed('-', 'ROLLBACK', 'rollback')).toContain('c');
    log.completed('d', 'INSERT', 'insert');
    log.completed('-', 'COMMIT', 'commit');
    expect(log.completed('-', 'ROLLBACK', 'rollback')).toEqual([]);
    log.completed('e', 'INSERT', 'insert');
    log.failed();
    expect(log.ready('E')).toEqual([]);
    expect(log.completed('-', 'ROLLBACK', 'COMMIT')).toEqual(['e']);
    log.completed('f', 'INSERT', 'insert');
    log.failed();
    expect(log.ready('I')).toEqual(['f']);
  });
});

describe('what may change how texts are read', () => {
  it.each([
    ['select a, count(*) from t where b in (1, 2) group by a', false],
    ["insert into t (a, b) values ($1, 'f(x)') returning a", false],
    ['copy t (a) from stdin', false],
    ['select f($1)', true],
    ['select "count"(1)', true],
    ['select pg_catalog.set_config($1, $2, false)', true],
    ['call p()', true],
    ['do $$ begin end $$', true],
  ])('%s: %s', (text, calls) => expect(callsFunctions(text)).toBe(calls));

  it.each([
    ['work_mem', true],
    ['app.tenant', true],
    ['search_path', false],
    ['ROLE', false],
    ['session_authorization', false],
    ['standard_conforming_strings', false],
    ['client_encoding', false],
    ['session_replication_role', false],
    ['transaction', false],
    ['plpgsql.variable_conflict', false],
  ])('SET %s: %s', (name, may) => expect(maySet(name)).toBe(may));
});
