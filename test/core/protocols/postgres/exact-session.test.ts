import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { statementHash } from '#core/access/statements.ts';
import type { CustodyError } from '#core/errors.ts';
import { parseBackend } from '#core/protocols/postgres/backend.ts';
import { ExactSession } from '#core/protocols/postgres/exact-session.ts';
import { parseFrontend } from '#core/protocols/postgres/frontend.ts';
import { ACTS_AS, meaningFor } from '#core/protocols/postgres/meaning.ts';
import { Backend, Frontend, MessageReader } from '#core/protocols/postgres/messages.ts';
import { StatementGate } from '#core/protocols/postgres/statement-gate.ts';
import { concat, cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import { EXACT } from '#test/support/exact-proxy.ts';

const SETTINGS = meaningFor({ exact: EXACT });
const NONE = Uint8Array.of(0, 0);
const query = (text: string): Uint8Array => message(Frontend.query, cstring(text));
const ready = (status = 'I'): Uint8Array => message(Backend.readyForQuery, Buffer.from(status));
const done = concat([message(Backend.commandComplete, cstring('SELECT 1')), ready()]);
const row = (value: string): Uint8Array =>
  message(Backend.dataRow, Uint8Array.of(0, 1), int32(value.length), Buffer.from(value));
const setting = (name: string, value: string): Uint8Array =>
  message(Backend.parameterStatus, cstring(name), cstring(value));
const inForce = concat([...[...SETTINGS, ...ACTS_AS].map(([, value]) => row(value)), ready()]);
const sync = message(Frontend.sync);

/** A session whose target is the test. */
class There {
  readonly forwarded: Uint8Array[] = [];
  readonly asked: Uint8Array[] = [];
  readonly said: Uint8Array[] = [];
  readonly passed: Uint8Array[] = [];
  readonly notes: string[] = [];
  readonly ended: CustodyError[] = [];
  readonly claims: PromiseWithResolvers<void>[] = [];
  drained = 0;
  readonly session: ExactSession;

  constructor(statements: readonly string[], answering = false) {
    this.session = new ExactSession(new StatementGate(statements.map(statementHash)), SETTINGS, {
      forward: (bytes) => void this.forwarded.push(Uint8Array.from(bytes)),
      pass: (bytes) => void this.passed.push(Uint8Array.from(bytes)),
      say: (bytes) => void this.said.push(Uint8Array.from(bytes)),
      ask: (bytes) => {
        this.asked.push(bytes);
        if (answering)
          queueMicrotask(() => this.session.fromTarget(this.asked.length === 1 ? ready() : inForce));
      },
      note: (fact) => void this.notes.push(fact.note),
      claim: () => {
        const claim = Promise.withResolvers<void>();
        this.claims.push(claim);
        return claim.promise;
      },
      end: (error) => {
        this.ended.push(error);
        this.session.stop();
      },
      drained: () => void (this.drained += 1),
    });
  }

  get ran(): string[] {
    return this.forwarded.flatMap((bytes) => textsOf(bytes));
  }

  get errors(): string[] {
    return messagesOf(concat(this.said)).flatMap((one) =>
      one.kind === 'error' ? [one.fields.get('C')!] : [],
    );
  }
}

function textsOf(bytes: Uint8Array): string[] {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].flatMap((one) => {
    const sent = one.truncated ? undefined : parseFrontend(one.type, one.body);
    return sent?.kind === 'query' ? [sent.text] : [];
  });
}

function messagesOf(bytes: Uint8Array) {
  const reader = new MessageReader(1 << 20);
  reader.push(bytes);
  return [...reader].map((one) => parseBackend(one.type, one.truncated ? one.prefix : one.body));
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('a session for exact commands (security case 23)', () => {
  it('asks first, then claims, then forwards; and waits for each', async () => {
    const there = new There(['select 1']);
    there.session.fromClient(query('select 1'));
    await turns();
    expect([there.asked.length, there.claims.length, there.ran]).toEqual([1, 0, []]);
    there.session.fromTarget(ready());
    await turns();
    there.session.fromTarget(inForce);
    await turns();
    expect([there.asked.length, there.claims.length, there.ran]).toEqual([3, 0, []]);
    there.session.fromTarget(inForce);
    await turns();
    expect([there.claims.length, there.ran]).toEqual([1, []]);
    there.claims[0]!.resolve();
    await turns();
    expect([there.ran, there.notes]).toEqual([['select 1'], ['grant-used']]);
    there.session.fromTarget(done);
    expect(concat(there.passed)).toEqual(done);
  });

  it('a cancel that comes to its own question cancels the command, and ends nothing', async () => {
    const error = message(Backend.errorResponse, Buffer.from('SERROR\0C57014\0Mcanceling\0\0'));
    const cancelled = concat([error, ready()]);
    const there = new There(['select 1']);
    const each = [[cancelled], [ready(), cancelled], [ready(), inForce, cancelled], [inForce]];
    for (const answers of each) {
      there.session.fromClient(query('select 1'));
      for (const answer of answers) {
        await turns();
        there.session.fromTarget(answer);
      }
      await turns();
    }
    expect(there.errors).toEqual(['57014', '57014', '57014']);
    expect([there.ended, there.claims.length]).toEqual([[], 1]);
  });

  it('also in the middle of a pipeline, whose rest the target then passes over', async () => {
    const error = message(Backend.errorResponse, Buffer.from('SERROR\0C57014\0Mcanceling\0\0'));
    const there = new There(['select 1', 'select 2']);
    const run = (text: string): Uint8Array =>
      concat([
        message(Frontend.parse, cstring(''), cstring(text), NONE),
        message(Frontend.bind, cstring(''), cstring(''), NONE, NONE, NONE),
        message(Frontend.execute, cstring(''), int32(0)),
      ]);
    there.session.fromClient(concat([run('select 1'), run('select 2'), sync, query('')]));
    for (const answer of [ready(), inForce, inForce]) {
      await turns();
      there.session.fromTarget(answer);
    }
    await turns();
    there.claims[0]!.resolve();
    const parts = [message(Backend.parseComplete), message(Backend.bindComplete)];
    for (const answer of [concat([...parts, done.subarray(0, -6)]), error, ready()]) {
      await turns();
      there.session.fromTarget(answer);
    }
    await turns();
    expect([there.errors, there.ended, there.ran]).toEqual([['57014'], [], ['']]);
  });

  it('passes on why the target goes, also when it was asked something', async () => {
    const there = new There(['select 1']);
    const fatal = message(Backend.errorResponse, Buffer.from('SFATAL\0VFATAL\0C57P01\0Mgoing\0\0'));
    there.session.fromClient(query('select 1'));
    await turns();
    there.session.fromTarget(fatal);
    await turns();
    expect([concat(there.passed), there.ended, there.errors]).toEqual([fatal, [], []]);
  });

  it('keeps the answers to its own questions from the client, and nothing else, wherever they are cut', async () => {
    const note = message(Backend.noticeResponse, Buffer.from('SNOTICE\0\0'));
    const told = message(Backend.notificationResponse, int32(7), cstring('c'), cstring('p'));
    const all = concat([note, ready(), told]);
    for (let at = 0; at <= all.length; at += 1) {
      const there = new There([]);
      there.session.fromClient(query(''));
      await turns();
      there.session.fromTarget(all.subarray(0, at));
      await turns();
      there.session.fromTarget(all.subarray(at));
      await turns();
      expect(Buffer.from(concat(there.passed))).toEqual(Buffer.from(concat([note, told])));
    }
  });

  it('says nothing in the middle of a message of the target’s', async () => {
    const there = new There([], true);
    there.session.fromClient(query(''));
    await turns();
    there.session.fromTarget(concat([message(Backend.emptyQueryResponse), ready()]));
    await turns();
    const told = message(Backend.notificationResponse, int32(7), cstring('c'), cstring('p'));
    there.session.fromTarget(told.subarray(0, 7));
    there.session.fromClient(query('select 2'));
    await turns();
    expect(there.said).toEqual([]);
    there.session.fromTarget(told.subarray(7));
    await turns();
    expect(there.errors).toEqual(['42501']);
  });

  it.each([
    ['client_encoding', 'SJIS', true],
    ['client_encoding', 'UTF8', false],
    ['TimeZone', 'utc', false],
    ['DateStyle', 'ISO, DMY', true],
    ['search_path', 'evil', true],
    ['standard_conforming_strings', 'off', true],
    ['session_authorization', 'postgres', true],
    ['application_name', 'x', false],
    ['in_hot_standby', 'on', false],
  ])('a target that tells of %s %s: ends %s', async (name, value, ends) => {
    const there = new There([]);
    there.session.fromTarget(setting(name, value));
    expect(there.ended.length === 1).toBe(ends);
  });

  it('a COPY that waits for data ends it', () => {
    const there = new There([]);
    there.session.fromTarget(message(Backend.copyInResponse, Uint8Array.of(0, 0, 0)));
    expect(there.ended).toMatchObject([{ code: 'not-approved' }]);
  });

  it('a target that does not say how it reads a text runs none', async () => {
    const there = new There(['select 1']);
    there.session.fromClient(query('select 1'));
    await turns();
    there.session.fromTarget(concat([message(Backend.errorResponse, Buffer.from('C42P01\0\0')), ready()]));
    await turns();
    expect([there.ended.map(({ code }) => code), there.ran, there.claims]).toEqual([
      ['not-approved'],
      [],
      [],
    ]);
  });

  it('a claim that comes too late forwards nothing', async () => {
    const there = new There(['select 1'], true);
    there.session.fromClient(query('select 1'));
    await turns();
    expect(there.session.stop()).toBe(query('select 1').length);
    there.claims[0]!.resolve();
    await turns();
    expect([there.ran, there.notes]).toEqual([[], []]);
  });

  it('counts nothing that has gone on among what did not, though it is not answered', async () => {
    const there = new There(['select 1'], true);
    for (const _ of [1, 2]) there.session.fromClient(query('select 1'));
    await turns();
    there.claims[0]!.resolve();
    await turns();
    expect(there.ran).toEqual(['select 1']);
    expect(there.session.stop()).toBe(query('select 1').length);
  });

  it('lets a client wait that sends more than is kept, and says when it takes more', async () => {
    const there = new There(['select 1'], true);
    const long = ' '.repeat(200_000);
    for (const _ of [1, 2]) there.session.fromClient(query(long));
    expect(there.session.full).toBe(true);
    await turns();
    expect(there.drained).toBe(0);
    there.session.fromTarget(concat([message(Backend.emptyQueryResponse), ready()]));
    await turns();
    expect([there.session.full, there.drained]).toEqual([false, 1]);
  });

  it('forwards the goodbye after what was sent before it, and says when', async () => {
    const there = new There(['select 1'], true);
    let left = 0;
    there.session.fromClient(concat([query('select 1'), message(Frontend.terminate)]));
    there.session.whenLeft(() => (left += 1));
    await turns();
    there.claims[0]!.resolve();
    await turns();
    expect(left).toBe(0);
    there.session.fromTarget(done);
    await turns();
    expect([left, there.forwarded.length]).toEqual([1, 2]);
    const silent = new There([]);
    silent.session.whenLeft(() => (left += 1));
    expect(left).toBe(2);
  });

  describe('whatever either side sends', () => {
    const texts = ['select 1', 'select 2', 'drop table t'];
    const client = fc.oneof(
      fc.constantFrom(...texts, '').map(query),
      fc.constantFrom(...texts).map((text) => message(Frontend.parse, cstring(''), cstring(text), NONE)),
      fc.constantFrom(
        message(Frontend.bind, cstring(''), cstring(''), NONE, NONE, NONE),
        message(Frontend.execute, cstring(''), int32(0)),
        ...[sync, message(Frontend.flush), message(Frontend.terminate), message(Frontend.copyDone)],
      ),
      fc.uint8Array({ maxLength: 9 }),
    );
    const types = fc.constantFrom(...Object.values(Backend));
    const target = fc.oneof(
      fc.constantFrom(
        ready('I'),
        ready('T'),
        ready('E'),
        inForce,
        done,
        message(Backend.errorResponse, Uint8Array.of(0)),
      ),
      fc.tuple(types, fc.uint8Array({ maxLength: 9 })).map(([type, body]) => message(type, body)),
      fc.uint8Array({ maxLength: 9 }),
    );
    const event = fc.oneof(
      client.map((bytes) => ({ by: 'client' as const, bytes })),
      target.map((bytes) => ({ by: 'target' as const, bytes })),
      fc.boolean().map((granted) => ({ by: 'claim' as const, granted })),
    );

    it('never throws, runs nothing else or too often, and nothing before the grant is its own', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(event, { maxLength: 30 }), fc.boolean(), async (events, answering) => {
          const there = new There(['select 1', 'select 2'], answering);
          let granted = false;
          for (const one of events) {
            if (one.by === 'client') there.session.fromClient(one.bytes);
            else if (one.by === 'target') there.session.fromTarget(one.bytes);
            else if (one.granted) there.claims.at(-1)?.resolve();
            else there.claims.at(-1)?.reject(new Error('the store is gone'));
            granted ||= one.by === 'claim' && one.granted && there.claims.length > 0;
            await turns();
            const ran = there.ran.filter((text) => text !== '');
            expect(ran.length === 0 || granted).toBe(true);
            expect(ran.filter((text) => !['select 1', 'select 2'].includes(text))).toEqual([]);
            expect(new Set(ran).size).toBe(ran.length);
          }
        }),
        { numRuns: 500 },
      );
    });
  });
});
