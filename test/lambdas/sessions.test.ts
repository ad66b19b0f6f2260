import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorization, decide } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import { sessionsHandler } from '#lambdas/sessions/handler.ts';
import { ledgerOf } from '#test/support/ledger-view.ts';
import { sessionRecord, sessionTime } from '#test/support/session-records.ts';
import {
  type Answered,
  addSession,
  call,
  ISSUER,
  MISSING,
  NOW,
  POLICY,
  verifier,
  type World,
  world,
} from './support.ts';

const LIST = '/v1/sessions';
const OTHER_ISSUER = 'https://other.example';

async function get(
  ports: World,
  path: string,
  token?: string,
  query?: Record<string, string>,
): Promise<Answered> {
  return call(sessionsHandler(ports), path, {
    ...(token !== undefined && { token }),
    ...(query !== undefined && { query }),
  });
}

function numbers({ body }: Answered): number[] {
  const sessions = body['sessions'] as readonly SessionRecord[];
  return sessions.map(
    ({ id }) => Array.from({ length: 100 }, (_, n) => n).find((n) => sessionRecord(n).id === id)!,
  );
}

async function filled(): Promise<World> {
  const ports = world();
  await addSession(ports, 1, { subject: 'dana' });
  await addSession(ports, 2, { subject: 'eve' });
  await addSession(ports, 3, { subject: 'eve', target: 'payroll-db' });
  await addSession(ports, 4, { subject: 'dana', issuer: OTHER_ISSUER });
  await addSession(ports, 5, { subject: 'eve', target: 'removed-db' });
  await addSession(ports, 6, { subject: 'pat', target: 'stock-db' });
  await addSession(ports, 7, { subject: 'dana', target: 'payroll-db' });
  return ports;
}

describe('GET /v1/sessions', () => {
  it.each<[who: string, sees: readonly number[]]>([
    ['dana', [7, 1]],
    ['eve', [5, 3, 2]],
    [`dana@${OTHER_ISSUER}`, [4]],
    ['ada', [7, 6, 5, 4, 3, 2, 1]],
    ['pat', [7, 6, 3]],
    ['vera', []],
    ['arch', []],
  ])(
    'shows %s their own and what they may replay, newest first (security cases 7, 14)',
    async (who, sees) => {
      expect(numbers(await get(await filled(), LIST, who))).toEqual(sees);
    },
  );

  it.each<[who: string, target: string, sees: readonly number[]]>([
    ['dana', 'orders-db', [1]],
    ['dana', 'payroll-db', [7]],
    ['pat', 'payroll-db', [7, 3]],
    ['pat', 'orders-db', []],
    ['ada', 'removed-db', [5]],
    ['eve', 'removed-db', [5]],
    ['pat', 'removed-db', []],
  ])('of %s on %s', async (who, target, sees) => {
    expect(numbers(await get(await filled(), LIST, who, { target }))).toEqual(sees);
  });

  it('walks by cursors over all that decide() lets the caller see, each once, and no page too long', async () => {
    const anySession = fc.record({
      subject: fc.constantFrom('dana', 'eve', 'pat'),
      target: fc.constantFrom('orders-db', 'payroll-db', 'removed-db'),
    });
    const callers = fc.constantFrom('dana', 'pat', 'ada', 'vera', 'arch');
    await fc.assert(
      fc.asyncProperty(
        fc.array(anySession, { maxLength: 20 }),
        callers,
        fc.integer({ min: 1, max: 7 }),
        async (made, who, limit) => {
          const ports = world();
          for (const [n, session] of made.entries()) await addSession(ports, n, session);
          expect(await walk(ports, who, limit)).toEqual(await expected(made, who));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('walks over those of a person and of a time, each once, however little a page looks at', async () => {
    const subjects = ['dana', 'eve', 'pat'] as const;
    const anySession = fc.record({
      subject: fc.constantFrom(...subjects),
      target: fc.constantFrom('orders-db', 'payroll-db', 'stock-db'),
    });
    const numbersOfTime = fc.option(fc.integer({ min: -2, max: 22 }), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anySession, { maxLength: 20 }),
        fc.constantFrom('dana', 'pat', 'ada'),
        fc.record({
          limit: fc.integer({ min: 1, max: 4 }),
          examineMax: fc.integer({ min: 1, max: 4 }),
          person: fc.option(fc.constantFrom(...subjects), { nil: undefined }),
          since: numbersOfTime,
          until: numbersOfTime,
        }),
        async (made, who, { limit, examineMax, person, since, until }) => {
          const ports = world();
          ports.catalog.examineMax = examineMax;
          for (const [n, session] of made.entries()) await addSession(ports, n, session);
          const query = {
            ...(person && { person }),
            ...(since !== undefined && { since: new Date(sessionTime(since)).toISOString() }),
            ...(until !== undefined && { until: new Date(sessionTime(until)).toISOString() }),
          };
          const asked = (await expected(made, who)).filter(
            (n) =>
              n >= (since ?? n) && n < (until ?? n + 1) && made[n]!.subject === (person ?? made[n]!.subject),
          );
          expect(await walk(ports, who, limit, query)).toEqual(asked);
        },
      ),
      { numRuns: 100 },
    );
  });

  it.each([
    [{ since: '2023-11-14T22:13:20.003Z' }, [7, 6, 5, 4, 3]],
    [{ since: '2023-11-14T23:13:20.003+01:00' }, [7, 6, 5, 4, 3]],
    [{ since: '2023-11-14T22:13:20.003000001Z' }, [7, 6, 5, 4]],
    [{ until: '2023-11-14T22:13:20.003Z' }, [2, 1]],
    [{ until: '2023-11-14T22:13:20.0029999Z' }, [2, 1]],
    [{ since: '2023-11-14T22:13:20.002Z', until: '2023-11-14T22:13:20.004Z' }, [3, 2]],
    [{ since: '2023-11-14T22:13:20.004Z', until: '2023-11-14T22:13:20.002Z' }, []],
    [{ until: '2023-11-14T22:13:20.006Z', cursor: sessionRecord(4).id }, [3, 2, 1]],
    [{ until: '2023-11-14T22:13:20.003Z', cursor: sessionRecord(9).id }, [2, 1]],
    [{ since: '0001-01-01T00:00:00Z', until: '9999-12-31T23:59:59Z' }, [7, 6, 5, 4, 3, 2, 1]],
    [{ person: 'pat' }, [6]],
  ])('of %o', async (query, sees) => {
    const given = Object.fromEntries(Object.entries(query));
    expect(numbers(await get(await filled(), LIST, 'ada', given))).toEqual(sees);
  });

  it('tells of a person no more than of anybody (security case 7)', async () => {
    const page = await get(await filled(), LIST, 'dana', { person: 'eve' });
    expect(page.body).toEqual({ sessions: [] });
  });

  it('reads no more of the catalog than it shows, so that no cursor tells of others (security case 7)', async () => {
    const ports = world();
    for (let n = 0; n < 30; n += 1) await addSession(ports, n, { subject: 'eve' });
    const queries: { limit: number; subject?: unknown }[] = [];
    const list = ports.catalog.list.bind(ports.catalog);
    ports.catalog.list = async (query) => {
      queries.push(query);
      return list(query);
    };
    const page = await get(ports, LIST, 'dana', { limit: '3' });
    const ofTarget = await get(ports, LIST, 'dana', { limit: '3', target: 'orders-db' });
    const subject = { issuer: ISSUER, subject: 'dana' };
    expect(queries).toEqual([
      { limit: 3, subject },
      { limit: 3, subject, target: 'orders-db' },
    ]);
    expect([page.body, ofTarget.body]).toEqual([{ sessions: [] }, { sessions: [] }]);
  });

  it('shows a session at most as far as its shape goes (security case 15)', async () => {
    const ports = world();
    const id = await addSession(ports, 1);
    const record = ports.catalog.records.get(id)!;
    const secret = { secret: 'x', principal: { ...record.principal, groups: ['g'], token: 'x' } };
    ports.catalog.records.set(id, Object.assign({}, record, secret));
    const { body } = await get(ports, LIST, 'dana');
    expect(body['sessions']).toEqual([record]);
  });

  it.each<[what: string, query: Record<string, string>]>([
    ['no limit', { limit: '' }],
    ['a limit of 0', { limit: '0' }],
    ['a limit below 0', { limit: '-1' }],
    ['a limit beyond the bound', { limit: '201' }],
    ['a limit of a half', { limit: '1.5' }],
    ['a limit that is none', { limit: 'all' }],
    ['two limits', { limit: '1,2' }],
    ['an infinite limit', { limit: 'Infinity' }],
    ['a cursor that is no id', { cursor: "' OR 1=1 --" }],
    ['an empty cursor', { cursor: '' }],
    ['a cursor in capitals, which would sort elsewhere', { cursor: sessionRecord(0xab).id.toUpperCase() }],
    ['a cursor that is more than an id', { cursor: `${sessionRecord(1).id}0` }],
    ['a cursor that is the beginning of an id', { cursor: sessionRecord(1).id.slice(0, 8) }],
    ['a target that is no name', { target: '../x' }],
    ['the target of a rule for all', { target: '*' }],
    ['a long target', { target: 'x'.repeat(64) }],
    ['a time that is none', { since: 'yesterday' }],
    ['a day that is none', { until: '2026-02-30T00:00:00Z' }],
    ['a time without a zone', { since: '2026-02-03T00:00:00' }],
    ['an empty person', { person: '' }],
    ['what it does not know', { subject: 'eve' }],
    ['what it does not know, of JavaScript', JSON.parse('{"__proto__":"1"}') as Record<string, string>],
  ])('refuses %s', async (_what, query) => {
    const { status, body } = await get(await filled(), LIST, 'ada', query);
    expect([status, body['code']]).toEqual([400, 'format-invalid']);
  });
});

async function walk(
  ports: World,
  who: string,
  limit: number,
  query: Record<string, string> = {},
): Promise<number[]> {
  const seen: number[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await get(ports, LIST, who, {
      ...query,
      limit: String(limit),
      ...(cursor !== undefined && { cursor }),
    });
    expect(numbers(page).length).toBeLessThanOrEqual(limit);
    seen.push(...numbers(page));
    cursor = page.body['next'] as string | undefined;
    if (cursor === undefined) return seen;
  }
  throw new Error('the pages do not end');
}

/** What `decide` says of each, one by one. */
async function expected(
  made: readonly { readonly subject: string; readonly target: string }[],
  who: string,
): Promise<number[]> {
  const principal = await verifier.verify(who);
  const visible = made.map(({ subject, target }) => {
    const session = { issuer: ISSUER, subject };
    const decision = decide({ policy: POLICY, principal, action: 'replay', target, session, now: NOW });
    return subject === who || Authorization.isOne(decision);
  });
  return [...visible.keys()].filter((n) => visible[n]).reverse();
}

describe('GET /v1/sessions/{id}', () => {
  it.each<[who: string, n: number, status: number]>([
    ['dana', 1, 200],
    ['dana', 2, 404],
    ['dana', 4, 404],
    ['vera', 1, 404],
    ['ada', 5, 200],
    ['pat', 3, 200],
    ['pat', 1, 404],
    ['arch', 3, 200],
  ])('answers %s, who asks for session %d, with %d (security cases 7, 14)', async (who, n, status) => {
    const answered = await get(await filled(), `${LIST}/${sessionRecord(n).id}`, who);
    expect(answered.status).toBe(status);
    expect(answered.body['id']).toBe(status === 200 ? sessionRecord(n).id : undefined);
  });

  it.each(['', '/evidence'])(
    'tells nobody whether another session exists: {id}%s (security cases 7, 14)',
    async (part) => {
      const ports = await filled();
      const hidden = await get(ports, `${LIST}/${sessionRecord(2).id}${part}`, 'dana');
      expect(hidden.status).toBe(404);
      expect(await get(ports, `${LIST}/${MISSING}${part}`, 'dana')).toEqual(hidden);
      expect(await get(ports, `${LIST}/nonsense${part}`, 'dana')).toEqual(hidden);
    },
  );

  it.each([
    '..',
    '%2e%2e',
    'null',
    "' OR 1=1 --",
    sessionRecord(1).id.toUpperCase(),
    `${sessionRecord(1).id}x`,
    '*',
  ])('asks the catalog for nothing but ids: %s (security case 14)', async (id) => {
    const ports = await filled();
    const asked: string[] = [];
    ports.catalog.get = async (id) => {
      asked.push(id);
      throw new CustodyError('not-found', 'no such session');
    };
    expect((await get(ports, `${LIST}/${id}`, 'ada')).status).toBe(404);
    expect(asked).toEqual([]);
  });

  it.each([
    '/',
    '//',
    `/${sessionRecord(1).id}/`,
    `/${sessionRecord(1).id}/objects`,
    `/${sessionRecord(1).id}/evidence/x`,
  ])('has nothing at %s', async (rest) => {
    expect((await get(await filled(), LIST + rest, 'dana')).status).toBe(404);
  });

  it('says that it failed when the catalog does, not that there is no session', async () => {
    const ports = await filled();
    ports.catalog.get = async () => {
      throw new CustodyError('state-damaged', 'the index /var/lib/custody/index.db is damaged');
    };
    const answered = await get(ports, `${LIST}/${sessionRecord(1).id}`, 'dana');
    expect(answered.status).toBe(500);
    expect(JSON.stringify(answered.body)).not.toContain('/var/lib');
    expect(ports.faults.map(({ code }) => code)).toEqual(['state-damaged']);
  });
});

describe('GET /v1/sessions/{id}/evidence', () => {
  const path = (n: number): string => `${LIST}/${sessionRecord(n).id}/evidence`;

  it('lists the objects of that session and of no other (security cases 7, 14)', async () => {
    const { status, body } = await get(await filled(), path(1), 'dana');
    const url = (name: string): string => `https://links.example/sessions/${sessionRecord(1).id}/${name}`;
    expect(status).toBe(200);
    expect(body).toEqual({
      session: sessionRecord(1).id,
      objects: [
        { name: '00000000.seg', size: 1, url: url('00000000.seg') },
        { name: 'open.json', size: 2, url: url('open.json') },
        { name: 'open.json.sig', size: 3, url: url('open.json.sig') },
      ],
    });
  });

  it.each<[who: string, n: number, status: number]>([
    ['dana', 7, 403],
    ['dana', 2, 404],
    ['pat', 6, 403],
    ['pat', 3, 200],
    ['pat', 2, 404],
    ['arch', 3, 200],
    ['arch', 1, 404],
    ['ada', 5, 200],
    ['vera', 1, 404],
  ])('answers %s, who asks for session %d, with %d (security cases 7, 14)', async (who, n, status) => {
    const ports = await filled();
    const linked: string[] = [];
    const links = { linkTo: async (key: string) => (linked.push(key), `https://links.example/${key}`) };
    expect((await get({ ...ports, links }, path(n), who)).status).toBe(status);
    expect(linked.length > 0).toBe(status === 200);
  });

  it.each<[who: string, n: number, kind: string | undefined]>([
    ['pat', 3, 'recording-viewed'],
    ['arch', 3, 'recording-exported'],
    ['dana', 7, undefined],
    ['vera', 1, undefined],
  ])('enters into the ledger that %s was given session %d: %s', async (who, n, kind) => {
    const ports = await filled();
    await get(ports, path(n), who);
    const entered = [...ports.leaves.added].map((leaf) => JSON.parse(leaf) as Record<string, unknown>);
    const expected = { kind, session: sessionRecord(n).id, at: NOW.toISOString(), by: { subject: who } };
    expect(entered).toMatchObject(kind === undefined ? [] : [expected]);
  });

  it.each<[who: string, n: number, status: number, kind: string | undefined]>([
    ['ada', 3, 200, 'recording-exported'],
    ['arch', 3, 200, 'recording-exported'],
    ['pat', 3, 403, undefined],
    ['dana', 1, 403, undefined],
    ['vera', 1, 404, undefined],
  ])('enters for %s, who takes session %d away (%d): %s (security case 7)', async (who, n, status, kind) => {
    const ports = await filled();
    const answered = await get(ports, path(n), who, { purpose: 'export' });
    expect(answered.status).toBe(status);
    const entered = [...ports.leaves.added].map((leaf) => (JSON.parse(leaf) as { kind: string }).kind);
    expect(entered).toEqual(kind === undefined ? [] : [kind]);
    if (status !== 403) return;
    expect(answered.body['hint']).toBe(`you may look at it: custody play ${sessionRecord(n).id}`);
  });

  it('makes no link when that cannot be entered', async () => {
    const ports = await filled();
    ports.leaves.add = () => Promise.reject(new Error('the queue is down'));
    const linked: string[] = [];
    const links = { linkTo: async (key: string) => (linked.push(key), `https://links.example/${key}`) };
    expect((await get({ ...ports, links }, path(1), 'dana')).status).toBe(500);
    expect(linked).toEqual([]);
  });

  it('also lists what should not be there, so that verifying finds it', async () => {
    const ports = await filled();
    await ports.source.put(`sessions/${sessionRecord(1).id}/extra.bin`, new Uint8Array(9));
    const { body } = await get(ports, path(1), 'dana');
    expect((body['objects'] as { name: string }[]).map(({ name }) => name)).toContain('extra.bin');
  });

  it('goes on at a cursor', async () => {
    const ports = await filled();
    const first = await get(ports, path(1), 'dana', { limit: '2' });
    expect(first.body['next']).toBe('open.json');
    const rest = await get(ports, path(1), 'dana', { limit: '2', cursor: 'open.json' });
    expect(rest.body).toMatchObject({ objects: [{ name: 'open.json.sig' }] });
    expect(rest.body).not.toHaveProperty('next');
  });

  it.each([{ limit: '0' }, { limit: '10001' }, { prefix: 'sessions/' }, { purpose: 'look' }])(
    'refuses %o',
    async (query) => {
      expect((await get(await filled(), path(1), 'dana', query)).status).toBe(400);
    },
  );
});

describe('whoever shows no good token', () => {
  it.each([LIST, `${LIST}/${sessionRecord(1).id}`, `${LIST}/${sessionRecord(1).id}/evidence`])(
    'gets nothing from %s (security cases 12, 22)',
    async (path) => {
      const ports = await filled();
      const none = await get(ports, path);
      expect([none.status, none.headers['www-authenticate']]).toEqual([401, 'Bearer']);
      const bad = await get(ports, path, 'mallory');
      expect([bad.status, bad.headers['www-authenticate']]).toEqual([401, 'Bearer error="invalid_token"']);
    },
  );
});

describe('GET /v1/sessions/{id}/ledger', () => {
  const path = (n: number): string => `/v1/sessions/${sessionRecord(n).id}/ledger`;

  it('gives the proof to who may know of the session, and to nobody else (security cases 7, 14)', async () => {
    const ledger = await ledgerOf([1, 2, 3].map((n) => sessionRecord(n).id));
    const ports = { ...(await filled()), ledger };
    const { status, body } = await get(ports, path(1), 'dana');
    expect([status, body['type']]).toEqual([200, 'custody/ledger-proof/1']);
    const { newest } = ledger;
    const note = (await newest())!.note;
    expect(body).toMatchObject({ checkpoint: note, leaves: [{ index: 0 }] });
    expect((await get(ports, path(2), 'dana')).status).toBe(404);
    expect((await get(ports, path(1), 'vera')).status).toBe(404);
  });

  it('says when the session is not in the ledger yet, or there is none', async () => {
    const ports = await filled();
    expect(
      (await get({ ...ports, ledger: await ledgerOf([sessionRecord(2).id]) }, path(1), 'dana')).body,
    ).toMatchObject({
      code: 'not-found',
      hint: 'its opening gets there within a minute',
    });
    expect((await get(ports, path(1), 'dana')).status).toBe(404);
  });
});
