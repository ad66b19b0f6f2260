import * as fc from 'fast-check';
import { serialize } from 'pg-protocol';
import { describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import * as backend from '#core/protocols/postgres/backend.ts';
import { int32, message } from '#core/protocols/postgres/wire.ts';
import { REPLAY_LIMITS } from '#core/replay/postgres/step.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { SCENARIOS } from '#test/vectors/postgres/read.ts';
import {
  capturedFrames,
  conversation,
  framesOf,
  gist,
  LOGIN,
  type Said,
  STARTUP,
  server,
  stepsOf,
} from './support.ts';

const { parse, bind, describe: describeMessage, execute, sync, query, close, flush } = serialize;

describe('captures of real clients', () => {
  test('psql: several statements, errors, notices, notifications', async () => {
    const steps = await stepsOf(capturedFrames('psql-simple'));
    const several = 'select * from fruit ; select 2 ; select nothing from nowhere ; select 3;';
    expect(steps.map(gist)).toEqual([
      'login | completed',
      "query | completed | select 1 as one, 'two' as two, null as none; | SELECT 1 | 1 | 1,two,NULL",
      `query | completed | ${several} | SELECT 2 | 2 | 1,apple,1.20,2026-01-02 03:04:05+00,\\x00ff;2,pêche,NULL,NULL,NULL`,
      `query | completed | ${several} | SELECT 1 | 1 | 2`,
      `query | failed | ${several} | relation "nowhere" does not exist`,
      "query | completed | insert into fruit values (3, 'fig') ; delete from fruit where id = 3; | INSERT 0 1",
      "query | completed | insert into fruit values (3, 'fig') ; delete from fruit where id = 3; | DELETE 1",
      "query | completed | do $$ begin raise notice 'hello %', 'notice' using hint = 'none needed'; end $$; | DO",
      'query | completed | begin; | BEGIN',
      'query | failed | select 1/0; | division by zero',
      'query | failed | select 1; | current transaction is aborted, commands ignored until end of transaction block',
      'query | completed | rollback; | ROLLBACK',
      'query | empty | ;',
      'query | completed | listen custody; | LISTEN',
      "query | completed | notify custody, 'payload'; | NOTIFY",
      'notification',
      'query | completed | select 1 where false; | SELECT 0 | 0',
      'end',
    ]);
    expect(steps[0]!.login).toMatchObject({
      user: 'postgres',
      database: 'postgres',
      application: 'psql',
      protocol: '3.0',
    });
    expect(steps[2]!.columns).toContainEqual({ name: 'price', type: 1700 });
    expect(steps[4]).toMatchObject({
      part: 3,
      error: { severity: 'ERROR', sqlstate: '42P01', position: '54' },
    });
    expect(steps[7]!.notices).toMatchObject([
      { severity: 'NOTICE', message: 'hello notice', hint: 'none needed' },
    ]);
    expect(steps.find((step) => step.kind === 'notification')).toMatchObject({
      notification: { channel: 'custody', payload: { text: 'payload' } },
    });
  });

  test('psql: COPY in and out, refused by the server, given up by the client, binary', async () => {
    const steps = await stepsOf(capturedFrames('psql-copy'));
    const copies = steps.filter(({ copy }) => copy !== undefined);
    expect(copies.map((step) => `${gist(step)} | ${step.copy!.bytes}`)).toEqual([
      'copy-out | completed | COPY  fruit TO STDOUT  | COPY 2 | 62',
      'copy-in | completed | COPY  t FROM STDIN  | COPY 2 | 15',
      'copy-in | failed | COPY  t FROM STDIN  | invalid input syntax for type integer: "x" | 18',
      'copy-in | failed | COPY  t FROM STDIN  | COPY from stdin failed: aborted because of read failure | 0',
      'copy-out | completed | copy t to stdout with (format binary); | COPY 2 | 55',
      'copy-in | completed | copy t from stdin; | COPY 1 | 11',
    ]);
    expect(copies[1]!.copy!.sample.text).toBe('1\tone\n2\ttwo\n\\.\n');
    expect(copies[4]!.copy!.sample.text).toMatch(/^\\x5047434f5059/);
    expect(steps.at(-2)).toMatchObject({
      statement: { text: 'select count(*) from t;' },
      outcome: 'completed',
    });
  });

  test('pgbench: a pipeline, and one that an error stops', async () => {
    const steps = await stepsOf(capturedFrames('pgbench-pipeline'));
    expect(steps.filter(({ kind }) => kind === 'execute').map(gist)).toEqual([
      'execute | completed | select 1; | SELECT 1 | 1 | 1',
      'execute | completed | select * from fruit where id = 2; | SELECT 1 | 1 | 2,pêche,NULL,NULL,NULL',
      "execute | completed | insert into fruit values (9, 'plum'); | INSERT 0 1",
      'execute | completed | delete from fruit where id = 9; | DELETE 1',
      'execute | completed | select 10; | SELECT 1 | 1 | 10',
      'execute | failed | select 1/0; | division by zero',
      'execute | skipped | select 11;',
    ]);
    expect(steps.filter(({ kind }) => kind === 'prepare').map(({ name }) => name)).toEqual([
      'P_0',
      'P_1',
      'P_2',
      'P_3',
      'P_4',
      'P_5',
      'P_6',
    ]);
  });

  test('pgbench: extended and prepared, with bind values', async () => {
    for (const name of ['pgbench-extended', 'pgbench-prepared']) {
      const steps = await stepsOf(capturedFrames(name));
      const executed = steps.filter(({ kind }) => kind === 'execute');
      expect(executed.map(gist)).toEqual(
        Array.from(
          { length: 2 },
          () =>
            'execute | completed | select * from fruit where id = $1; | SELECT 1 | 1 | 2,pêche,NULL,NULL,NULL',
        ),
      );
      expect(executed[0]!.values).toEqual([{ text: '2', bytes: 1, cut: false }]);
    }
  });

  test('node-postgres: portals in parts, binary values, a statement that is bound twice', async () => {
    const steps = await stepsOf(capturedFrames('node-postgres'));
    const series = 'select * from generate_series(1, $1::int) as n';
    expect(steps.slice(1, 6).map(gist)).toEqual([
      `execute | suspended | ${series} | 2 | 1;2`,
      `execute | suspended | ${series} | 2 | 3;4`,
      `execute | completed | ${series} | SELECT 1 | 1 | 5`,
      'execute | completed | select * from fruit where id = $1 | SELECT 1 | 1 | 1,apple,1.20,2026-01-02 03:04:05+00,\\x00ff',
      'execute | completed | select * from fruit where id = $1 | SELECT 1 | 1 | 2,pêche,NULL,NULL,NULL',
    ]);
    expect(steps[5]).toMatchObject({ name: 'by-id', values: [{ text: '2' }] });
    expect(steps[6]!.rows![0]!.map((value) => value?.text)).toEqual([
      undefined,
      't',
      '\\x00ff',
      'tést',
      '2026-01-02 03:04:05+00',
      '1.5',
    ]);
    expect(steps[7]).toMatchObject({
      kind: 'execute',
      outcome: 'failed',
      statement: { text: 'select $1::int' },
      values: [{ text: 'not a number' }],
      error: { sqlstate: '22P02' },
    });
  });

  test('libpq: function calls; pg_recvlogical: replication', async () => {
    const calls = (await stepsOf(capturedFrames('psql-large-object'))).filter(
      ({ kind }) => kind === 'function-call',
    );
    expect(calls.length).toBeGreaterThan(5);
    expect(calls[0]).toMatchObject({
      outcome: 'completed',
      statement: { text: 'function 957' },
      values: [{ text: '\\x00060000' }],
    });
    const replication = (await stepsOf(capturedFrames('replication'))).find(
      ({ kind }) => kind === 'copy-both',
    );
    expect(replication).toMatchObject({ outcome: 'unfinished', copy: { format: 'binary', messages: 9 } });
  });

  test('logins: md5, SCRAM, refused, negotiated', async () => {
    const login = async (name: string) => (await stepsOf(capturedFrames(name)))[0];
    expect(await login('login-md5')).toMatchObject({
      outcome: 'completed',
      login: { authentication: ['md5'] },
    });
    expect(await login('login-scram')).toMatchObject({ login: { authentication: ['SCRAM-SHA-256'] } });
    expect(await login('login-wrong-password')).toMatchObject({
      outcome: 'failed',
      error: { severity: 'FATAL', sqlstate: '28P01' },
    });
    expect(await login('protocol-3.2')).toMatchObject({ login: { protocol: '3.0' } });
  });

  test.each(SCENARIOS)(
    'nothing in %s is damaged, unmatched or, unless its client was interrupted, unfinished',
    async (name) => {
      const interrupted = name === 'replication' ? ['copy-both'] : [];
      const steps = await stepsOf(capturedFrames(name));
      const bad = steps.filter(({ kind, outcome }) => {
        return (
          kind === 'damaged' ||
          kind === 'unmatched' ||
          (outcome === 'unfinished' && !interrupted.includes(kind))
        );
      });
      expect(bad).toEqual([]);
    },
  );

  test.each(SCENARIOS)('%s gives the same steps however its frames are cut', async (name) => {
    const frames = capturedFrames(name);
    const whole = await stepsOf(frames);
    for (const size of [1, 2, 3, 5, 7, 64]) {
      expect(await stepsOf(frames.flatMap((frame) => cutFrame(frame, size)))).toEqual(whole);
    }
  });
});

describe('a session through the gateway', () => {
  test('login: the gateway asks, the token is withheld, the target tells its settings', async () => {
    const [login, end] = await stepsOf(framesOf([...LOGIN, ['client', serialize.end()]]));
    expect(login).toMatchObject({
      kind: 'login',
      at: 0,
      took: 6000,
      outcome: 'completed',
      login: { user: 'dana', database: 'orders-db', authentication: ['password'] },
    });
    expect(login!.login!.settings).toEqual(new Map([['server_version', '15.4']]));
    expect(end).toMatchObject({ kind: 'end', at: 7000, text: 'the client said goodbye' });
  });

  test('an error of the gateway ends it, in the middle of what the target said', async () => {
    const half = server.row('x'.repeat(100)).subarray(0, 50);
    const fatal = backend.errorResponse({
      severity: 'FATAL',
      sqlstate: '57P01',
      message: 'ended by an operator',
    });
    const steps = await conversation([
      ['client', serialize.query('select 1')],
      ['target', server.columns(['a', 25]), half],
      ['gateway', fatal],
    ]);
    const begun = 'x'.repeat(50 - 11);
    expect(steps.map(gist)).toEqual([`query | failed | select 1 | ended by an operator | 1 | ${begun}`]);
    expect(steps[0]!.rows![0]).toEqual([{ text: begun, bytes: 100, cut: true }]);
    expect((await conversation([['gateway', fatal]])).map(gist)).toEqual(['error | ended by an operator']);
  });

  test('notes are steps', async () => {
    const steps = await conversation([
      ['note', Buffer.from('{"note":"cancel","from":"10.0.0.1"}')],
      ['note', Buffer.from('{"note":"login-failed"}')],
      ['note', Buffer.from('[]')],
      ['note', Buffer.from('{')],
    ]);
    expect(steps.map(({ kind }) => kind)).toEqual(['cancel', 'note', 'damaged', 'damaged']);
    expect(steps[0]!.note).toEqual({ note: 'cancel', from: '10.0.0.1' });
  });

  test('took is from sending to completion', async () => {
    const [step] = await conversation([
      ['client', serialize.query('select 1')],
      ['target', server.columns(['a', 23])],
      ['target', server.row('1')],
      ['target', server.tag('SELECT 1'), server.ready],
    ]);
    expect(step).toMatchObject({ at: 7000, took: 3000 });
  });
});

describe('pipelining', () => {
  const chain = (text: string, value: string) => [parse({ text }), bind({ values: [value] }), execute()];

  test('an error passes over what follows, up to the Sync, and not further', async () => {
    const steps = await conversation([
      [
        'client',
        ...chain('a', '1'),
        ...chain('b', '2'),
        ...chain('c', '3'),
        query('q'),
        sync(),
        ...chain('d', '4'),
        sync(),
      ],
      [
        'target',
        server.parseComplete,
        server.bindComplete,
        server.tag('A'),
        server.parseComplete,
        server.error('no b'),
      ],
      ['target', server.ready, server.parseComplete, server.bindComplete, server.tag('D'), server.ready],
    ]);
    expect(steps.map(gist)).toEqual([
      'execute | completed | a | A',
      'execute | failed | b | no b',
      'execute | skipped | c',
      'query | skipped | q',
      'execute | completed | d | D',
    ]);
    expect(steps.map(({ values }) => values?.[0]?.text)).toEqual(['1', '2', '3', undefined, '4']);
  });

  test('what the client sends after the error came is passed over too', async () => {
    const steps = await conversation([
      ['client', parse({ name: 's', text: 'broken' }), flush()],
      ['target', server.error('syntax error')],
      ['client', bind({ statement: 's' }), execute(), sync()],
      ['target', server.ready],
      ['client', ...chain('good', '1'), sync()],
      ['target', server.parseComplete, server.bindComplete, server.tag('OK'), server.ready],
    ]);
    expect(steps.map(gist)).toEqual([
      'prepare | failed | broken | syntax error',
      'execute | skipped',
      'execute | completed | good | OK',
    ]);
  });

  test('a refused Parse leaves the statement that had its name', async () => {
    const steps = await conversation([
      ['client', parse({ name: 's', text: 'old' }), sync(), parse({ name: 's', text: 'new' }), sync()],
      ['target', server.parseComplete, server.ready, server.error('already exists'), server.ready],
      ['client', bind({ statement: 's' }), execute(), sync()],
      ['target', server.bindComplete, server.tag('OK'), server.ready],
    ]);
    expect(steps.map(gist)).toEqual([
      'prepare | completed | old',
      'prepare | failed | new | already exists',
      'execute | completed | old | OK',
    ]);
  });

  test('a closed statement is forgotten, and its name can pass to another at once', async () => {
    const steps = await conversation([
      [
        'client',
        parse({ name: 's', text: 'old' }),
        close({ type: 'S', name: 's' }),
        parse({ name: 's', text: 'new' }),
        sync(),
      ],
      ['target', server.parseComplete, server.closeComplete, server.parseComplete, server.ready],
      ['client', bind({ statement: 's' }), execute(), close({ type: 'S', name: 's' }), sync()],
      ['target', server.bindComplete, server.tag('OK'), server.closeComplete, server.ready],
      ['client', bind({ statement: 's' }), execute(), sync()],
      ['target', server.error('no such statement'), server.ready],
    ]);
    expect(steps.slice(-3).map(gist)).toEqual([
      'prepare | completed | new',
      'execute | completed | new | OK',
      'execute | failed | no such statement',
    ]);
  });

  test('columns and parameter types of a described statement serve its rows', async () => {
    const steps = await conversation([
      ['client', parse({ name: 's', text: 'select $1' }), describeMessage({ type: 'S', name: 's' }), sync()],
      ['target', server.parseComplete, server.parameters(23), server.columns(['n', 23]), server.ready],
      [
        'client',
        bind({ statement: 's', values: [Buffer.from([0, 0, 0, 42])], binary: true }),
        execute(),
        sync(),
      ],
      [
        'target',
        server.bindComplete,
        server.row(Uint8Array.of(0, 0, 0, 43)),
        server.tag('SELECT 1'),
        server.ready,
      ],
    ]);
    expect(steps[1]).toMatchObject({
      values: [{ text: '42' }],
      columns: [{ name: 'n', type: 23 }],
      rows: [[{ text: '43' }]],
    });
  });

  test('the end of a transaction ends its portals, and not one that is bound for the next', async () => {
    const steps = await conversation([
      ['client', parse({ text: 'a' }), bind(), execute(), sync()],
      ['target', server.parseComplete, server.bindComplete, server.tag('A')],
      ['client', parse({ text: 'b' }), bind()],
      ['target', server.ready],
      ['client', execute(), sync()],
      ['target', server.parseComplete, server.bindComplete, server.tag('B'), server.ready],
      ['client', execute(), sync()],
      ['target', server.error('no such portal'), server.ready],
    ]);
    expect(steps.filter(({ kind }) => kind === 'execute').map(gist)).toEqual([
      'execute | completed | a | A',
      'execute | completed | b | B',
      'execute | failed | no such portal',
    ]);
  });

  test('an error at the Sync itself is an error of its own', async () => {
    const steps = await conversation([
      ['client', ...chain('insert', '1'), sync()],
      [
        'target',
        server.parseComplete,
        server.bindComplete,
        server.tag('INSERT 0 1'),
        server.error('deferred'),
        server.ready,
      ],
    ]);
    expect(steps.map(gist)).toEqual(['execute | completed | insert | INSERT 0 1', 'error | deferred']);
  });

  test('COPY in the extended protocol: the Sync before the data does not count', async () => {
    const asked = [parse({ text: 'copy t from stdin' }), bind(), execute()];
    const began = [server.parseComplete, server.bindComplete, server.copyIn];
    const data = [serialize.copyData(Buffer.from('1\n')), serialize.copyDone()];
    const after: Said[] = [
      ['target', server.tag('COPY 1'), server.ready],
      ['client', serialize.query('select 1')],
      ['target', server.tag('SELECT 1'), server.ready],
    ];
    const expected = [
      'copy-in | completed | copy t from stdin | COPY 1',
      'query | completed | select 1 | SELECT 1',
    ];
    const early = await conversation([
      ['client', ...asked, sync()],
      ['target', ...began],
      ['client', ...data, sync()],
      ...after,
    ]);
    expect(early.map(gist)).toEqual(expected);
    const late = await conversation([['client', ...asked, ...data, sync()], ['target', ...began], ...after]);
    expect(late.map(gist)).toEqual(expected);
    const between = await conversation([
      ['client', ...asked],
      ['target', ...began],
      ['client', sync(), ...data, sync()],
      ...after,
    ]);
    expect(between.map(gist)).toEqual(expected);
    const asIs = await conversation([
      ['client', ...asked],
      ['target', ...began],
      ['client', ...data, sync()],
      ...after,
    ]);
    expect(asIs.map(gist)).toEqual(expected);
  });

  test('any pipeline, however far the client is ahead, is matched', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBatch, { maxLength: 8 }), fc.boolean(), async (batches, ahead) => {
        const said = batches.map(({ client, target }): [Said, Said] => [
          ['client', ...client],
          ['target', ...target],
        ]);
        const order = ahead
          ? [...said.map(([client]) => client), ...said.map(([, target]) => target)]
          : said.flat();
        const steps = await conversation(order);
        expect(steps.map(gist)).toEqual(batches.flatMap(({ steps: expected }) => expected));
      }),
      { numRuns: 300 },
    );
  });
});

interface Batch {
  readonly client: Uint8Array[];
  readonly target: Uint8Array[];
  readonly steps: string[];
}

const anyText = fc.stringMatching(/^[a-z]{1,8}$/);

/** A simple query with several answers, the last perhaps an error. */
const anySimple: fc.Arbitrary<Batch> = fc
  .record({ text: anyText, rows: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }), fails: fc.boolean() })
  .map(({ text, rows, fails }) => ({
    client: [query(text)],
    target: [
      ...rows.flatMap((count) => [
        server.columns(['a', 25]),
        ...rowsOf(count),
        server.tag(`SELECT ${count}`),
      ]),
      ...(fails ? [server.error('failed')] : []),
      server.ready,
    ],
    steps: [
      ...rows.map((count) => shownRows(`query | completed | ${text} | SELECT ${count}`, count)),
      ...(fails ? [`query | failed | ${text} | failed`] : []),
    ],
  }));

/** Chains up to a Sync; `failsAt` says which fails, `where` at which of its messages. */
const anyExtended: fc.Arbitrary<Batch> = fc
  .record({
    chains: fc.array(fc.tuple(anyText, fc.nat(3)), { maxLength: 4 }),
    failsAt: fc.nat(7),
    where: fc.nat(3),
  })
  .map(({ chains, failsAt, where }) => ({
    client: [
      ...chains.flatMap(([text]) => [parse({ text }), bind(), describeMessage({ type: 'P' }), execute()]),
      sync(),
    ],
    target: [
      ...chains.slice(0, failsAt).flatMap(([, count]) => answersOf(count)),
      ...(failsAt < chains.length ? [...answersOf(0).slice(0, where), server.error('failed')] : []),
      server.ready,
    ],
    steps: chains.map(([text, count], at) => {
      if (at < failsAt) return shownRows(`execute | completed | ${text} | SELECT ${count}`, count);
      if (at > failsAt) return `execute | skipped | ${text}`;
      return `execute | failed | ${text} | failed${where === 3 ? ' | 0' : ''}`;
    }),
  }));

const anyBatch = fc.oneof(anySimple, anyExtended);

function answersOf(count: number): Uint8Array[] {
  return [
    server.parseComplete,
    server.bindComplete,
    server.columns(['a', 25]),
    ...rowsOf(count),
    server.tag(`SELECT ${count}`),
  ];
}

function rowsOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, at) => server.row(`v${at}`));
}

function shownRows(before: string, count: number): string {
  const rows = Array.from({ length: count }, (_, at) => `v${at}`).join(';');
  return `${before} | ${count}${count > 0 ? ` | ${rows}` : ''}`;
}

describe('damage', () => {
  // Security case 21: a crafted recording does not crash the reader.
  test('a capture that ends at any byte gives steps up to there', async () => {
    for (const name of ['psql-copy', 'pgbench-pipeline', 'node-postgres']) {
      const frames = capturedFrames(name);
      const total = frames.reduce((sum, { payload }) => sum + payload.length, 0);
      for (let length = 0; length < total; length += 3) {
        const steps = await stepsOf(shortened(frames, length));
        expect(steps.at(-1)!.kind).toBe('end');
      }
    }
  });

  test('a capture with any bytes changed gives steps, in bounded number', async () => {
    const change = fc.tuple(fc.nat(), fc.nat(), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SCENARIOS),
        fc.array(change, { minLength: 1, maxLength: 6 }),
        async (name, changes) => {
          const frames = capturedFrames(name);
          for (const [frame, at, value] of changes) {
            const { payload } = frames[frame % frames.length]!;
            payload[at % payload.length] = value;
          }
          const steps = await stepsOf(frames);
          expect(steps.at(-1)!.kind).toBe('end');
          expect(steps.length).toBeLessThan(2000);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['client', Uint8Array.of(0x51, ...int32(3))],
    ['target', Uint8Array.of(0x44, ...int32(-1))],
    ['gateway', Uint8Array.of(0x45, ...int32(0))],
  ] as const)('an impossible length of the %s is said, and the other side read on', async (stream, bytes) => {
    const steps = await conversation([
      [stream, bytes],
      ['note', Buffer.from('{"note":"x"}')],
    ]);
    expect(steps.map(gist)).toEqual(['damaged', 'note']);
    expect(steps[0]!.text).toBe(
      `invalid message length; the rest of what the ${stream} sent cannot be shown`,
    );
  });

  test('a message that is not well-formed keeps its place in the order', async () => {
    const steps = await conversation([
      ['client', message(0x51, Buffer.from('no end')), query('select 2')],
      ['target', message(0x43, Buffer.from('no end')), server.ready, server.tag('SELECT 2'), server.ready],
    ]);
    expect(steps.map(gist)).toEqual([
      'damaged',
      'damaged',
      'query | completed',
      'query | completed | select 2 | SELECT 2',
    ]);
    expect(steps[0]!.text).toBe('message Q of 6 bytes from the client: a string in a message has no end');
  });

  test('answers to nothing are shown as such', async () => {
    const steps = await conversation([
      ['target', server.columns(['a', 25]), server.row('1'), server.tag('SELECT 1')],
      ['target', server.parseComplete, server.ready, server.row('2')],
    ]);
    expect(steps.map(gist)).toEqual([
      'unmatched | completed | SELECT 1 | 1 | 1',
      'damaged',
      'damaged',
      'unmatched | unfinished | 1 | 2',
    ]);
  });

  test('a startup packet that is not one loses the client alone', async () => {
    const steps = await stepsOf(framesOf([['client', Buffer.from('GET / HTTP/1.1\r\n')], ...LOGIN.slice(1)]));
    expect(steps.map(gist)).toEqual(['damaged', 'login | completed', 'end']);
  });

  test('what never got its answer is unfinished', async () => {
    const steps = await conversation([
      ['client', serialize.query('one'), query('two')],
      ['target', server.columns(['a', 25]), server.row('1')],
    ]);
    expect(steps.map(gist)).toEqual(['query | unfinished | one | 1 | 1', 'query | unfinished | two']);
    const [login] = await stepsOf(framesOf([['client', STARTUP]]));
    expect(login).toMatchObject({ kind: 'login', outcome: 'unfinished' });
  });

  test('a recording whose frames cannot be read on says why; other failures of the source are thrown on', async () => {
    const steps = await stepsOf(failing(new CustodyError('format-invalid', 'the block is damaged')));
    expect(steps.map(({ kind, text }) => text ?? kind)).toContain('the block is damaged');
    await expect(stepsOf(failing(new CustodyError('not-found', 'gone')))).rejects.toThrow('gone');
  });
});

function* failing(error: Error): Generator<ReplayFrame> {
  yield* framesOf(LOGIN);
  throw error;
}

describe('bounds', () => {
  // Security case 21: an oversized recording does not exhaust the reader.
  test('the first rows are kept, all are counted', async () => {
    const rows = Array.from({ length: 5000 }, (_, at) => server.row(String(at)));
    const [step] = await conversation([
      ['client', serialize.query('select')],
      ['target', server.columns(['a', 25]), ...rows, server.tag('SELECT 5000'), server.ready],
    ]);
    expect(step!.rowCount).toBe(5000);
    expect(step!.rows!.length).toBe(REPLAY_LIMITS.rows);
  });

  test('values, statements and messages are cut, and say how long they were', async () => {
    const long = 'é'.repeat(1_000_000);
    const steps = await conversation([
      ['client', serialize.query(`select '${long}'`)],
      [
        'target',
        server.columns(['a', 25], ['b', 25]),
        server.row('x', long),
        server.tag('SELECT 1'),
        server.ready,
      ],
      ['client', parse({ text: long }), bind({ values: [long, 'y'] }), execute(), sync()],
      ['target', server.error(long), server.ready],
    ]);
    expect(steps[0]!.statement).toMatchObject({ bytes: 2_000_009, cut: true });
    expect(steps[0]!.rows![0]).toMatchObject([
      { text: 'x', cut: false },
      { text: 'é'.repeat(REPLAY_LIMITS.value / 2), bytes: 2_000_000, cut: true },
    ]);
    expect(steps[1]).toMatchObject({
      outcome: 'failed',
      statement: { cut: true },
      values: [
        { bytes: 2_000_000, cut: true },
        { text: 'y', bytes: 1, cut: false },
      ],
    });
    expect(steps[1]!.error!.message.length).toBeLessThan(REPLAY_LIMITS.text + 2);
  });

  test('what waits for answers is bounded in number and in bytes', async () => {
    const many = Array.from({ length: 50 }, (_, at) => query(`select ${at}`));
    const few = await conversation([['client', ...many]], { ...REPLAY_LIMITS, pending: 10 });
    expect(few.map(({ kind }) => kind)).toEqual(['damaged', ...Array.from({ length: 10 }, () => 'query')]);
    const small = await conversation([['client', ...many]], { ...REPLAY_LIMITS, memory: 1000 });
    expect(small.length).toBeLessThan(6);
    expect(small[0]!.text).toContain('more messages wait for an answer than a replay keeps');
  });

  test('statements that are prepared without end cost the budget and no more', async () => {
    const prepare = Array.from({ length: 5000 }, (_, at) =>
      parse({ name: `s${at}`, text: 'x'.repeat(1000) }),
    );
    const limits = { ...REPLAY_LIMITS, memory: 100_000 };
    const said = prepare.flatMap((bytes): Said[] => [
      ['client', bytes, sync()],
      ['target', server.parseComplete, server.ready],
    ]);
    const after: Said[] = [
      ['client', bind({ statement: 's0' }), execute(), bind({ statement: 's4999' }), execute(), sync()],
      ['target', server.bindComplete, server.tag('A'), server.bindComplete, server.tag('B'), server.ready],
    ];
    const steps = await conversation([...said, ...after], limits);
    expect(steps.slice(-2).map(gist)).toEqual([
      `execute | completed | ${'x'.repeat(1000)} | A`,
      'execute | completed | B',
    ]);
  });
});

function cutFrame(frame: ReplayFrame, size: number): ReplayFrame[] {
  const pieces: ReplayFrame[] = [];
  for (let at = 0; at < frame.payload.length; at += size) {
    pieces.push({ ...frame, payload: frame.payload.subarray(at, at + size) });
  }
  return pieces;
}

/** The first `length` bytes of all frames. */
function shortened(frames: readonly ReplayFrame[], length: number): ReplayFrame[] {
  const kept: ReplayFrame[] = [];
  let left = length;
  for (const frame of frames) {
    if (left <= 0) break;
    kept.push({ ...frame, payload: frame.payload.subarray(0, left) });
    left -= frame.payload.length;
  }
  return kept;
}

describe('the transaction that a statement came to', () => {
  test('is the one that the server said last', async () => {
    const ready = (status: 'T' | 'E' | 'I') => backend.readyForQuery(status);
    const steps = await conversation([
      ['client', serialize.query('begin')],
      ['target', server.tag('BEGIN'), ready('T')],
      ['client', serialize.query('selec')],
      ['target', server.error('syntax error'), ready('E')],
      ['client', serialize.query('rollback')],
      ['target', server.tag('ROLLBACK'), ready('I')],
      ['client', serialize.query('select')],
      ['target', server.tag('SELECT 0'), ready('I')],
    ]);
    expect(steps.map(({ transaction }) => transaction)).toEqual([undefined, 'open', 'failed', undefined]);
  });
});
