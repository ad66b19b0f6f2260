import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accessHandler } from '#lambdas/access/handler.ts';
import { type Answered, type Call, call, ISSUER, MISSING, NOW, type World, world } from './support.ts';

const LIST = '/v1/requests';
const HOUR = 3_600_000;

function as(ports: World, token: string) {
  const handler = accessHandler(ports);
  const send = (
    method: string,
    path: string,
    body?: unknown,
    headers: Call['headers'] = {},
  ): Promise<Answered> =>
    call(handler, path, { token, method, headers, ...(body === undefined ? {} : { body }) });
  return {
    get: (path: string, query: Record<string, string> = {}) => call(handler, path, { token, query }),
    post: (path: string, body: unknown = {}, headers?: Call['headers']) => send('POST', path, body, headers),
  };
}

async function asked(ports: World, more: object = {}, who = 'dana'): Promise<string> {
  const { status, body } = await as(ports, who).post(LIST, { target: 'stock-db', reason: 'a bug', ...more });
  expect([status, body['code']]).toEqual([201, undefined]);
  return body['id'] as string;
}

const decide = (ports: World, who: string, id: string, decision = 'approved', headers?: Call['headers']) =>
  as(ports, who).post(`${LIST}/${id}/decisions`, { decision }, headers);

const leaves = ({ leaves }: World) =>
  [...leaves.added].map((leaf) => (JSON.parse(leaf) as { kind: string }).kind);

describe('POST /v1/requests', () => {
  it('makes a request that waits, and says where it is', async () => {
    const ports = world();
    const { status, headers, body } = await as(ports, 'dana').post(LIST, {
      target: 'stock-db',
      reason: ' a bug ',
      ticket: 'OPS-1',
      durationSeconds: 60,
    });
    expect(status).toBe(201);
    expect(headers).toMatchObject({ etag: '"0"', location: `/v1/requests/${String(body['id'])}` });
    expect(body).toMatchObject({
      state: 'pending',
      requester: { issuer: ISSUER, subject: 'dana' },
      target: 'stock-db',
      protocol: 'postgres',
      rule: 'stock-ask',
      reason: 'a bug',
      ticket: 'OPS-1',
      durationSeconds: 60,
      breakGlass: false,
      needs: { approvals: 2, any: ['reviewers'] },
      decisions: [],
      mayDecide: false,
    });
    expect(leaves(ports)).toEqual(['access-requested']);
    expect(ports.stream.told.map(({ kind }) => kind)).toEqual(['access-requested']);
  });

  // An id of the client's is honoured nowhere (security case 13).
  it.each<[what: string, body: unknown, detail: RegExp]>([
    ['no target', {}, /^target: /],
    ['a number', { target: 7 }, /^target: /],
    ['an id of one’s own', { target: 'stock-db', reason: 'x', id: MISSING }, /id/],
    ['a requester', { target: 'stock-db', reason: 'x', requester: { subject: 'eve' } }, /requester/],
    ['no reason', { target: 'stock-db' }, /this access needs a reason/],
    ['a reason of nothing', { target: 'stock-db', reason: ' \n ' }, /^reason: /],
    ['a reason with an escape', { target: 'stock-db', reason: 'x\u001b[2J' }, /^reason: /],
    ['too long', { target: 'stock-db', reason: 'x', durationSeconds: 14_401 }, /gives at most 4h/],
    ['no time', { target: 'stock-db', reason: 'x', durationSeconds: 0 }, /^durationSeconds: /],
    ['an empty command', { target: 'stock-db', reason: 'x', statements: [' ; '] }, /command 1 is empty/],
    [
      'a COPY whose data nobody approves',
      { target: 'stock-db', reason: 'x', statements: ['copy t from stdin'] },
      /command 1 cannot be approved: the data/,
    ],
    [
      'a setting that changes what the other commands mean',
      { target: 'stock-db', reason: 'x', statements: ['select 1', "set client_encoding = 'SJIS'"] },
      /command 2 cannot be approved: it changes settings/,
    ],
    ['no commands', { target: 'stock-db', reason: 'x', statements: [] }, /^statements: /],
    ['a list', [], /expected object/],
  ])('refuses %s, and says what', async (_what, body, detail) => {
    const ports = world();
    const answer = await as(ports, 'dana').post(LIST, body);
    expect([answer.status, answer.body['detail']]).toEqual([400, expect.stringMatching(detail)]);
    expect([ports.access.requests.size, leaves(ports)]).toEqual([0, []]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', '', 'application/jsonp'])(
    'takes JSON alone, not %j',
    async (type) => {
      const body = { target: 'stock-db', reason: 'x' };
      const { status } = await as(world(), 'dana').post(LIST, body, { 'content-type': type });
      expect(status).toBe(400);
    },
  );

  it.each(['payroll-db', 'nothing-db'])(
    'refuses %s as if it were not there (security case 14)',
    async (target) => {
      const { status, body } = await as(world(), 'dana').post(LIST, { target, reason: 'x' });
      expect([status, body['detail']]).toEqual([403, `there is no target "${target}" that you may ask for`]);
    },
  );

  it('makes one request of one key, whoever else uses the same', async () => {
    const ports = world();
    const ask = (who: string, reason: string) =>
      as(ports, who).post(LIST, { target: 'stock-db', reason }, { 'idempotency-key': 'k1' });
    const [first, second] = [await ask('dana', 'one'), await ask('dana', 'one')];
    expect([second.status, second.body['id']]).toEqual([201, first.body['id']]);
    expect((await ask('dana', 'two')).status).toBe(409);
    expect((await ask('eve', 'one')).body['id']).not.toBe(first.body['id']);
    expect(leaves(ports)).toHaveLength(2);
    const bad = await as(ports, 'dana').post(
      LIST,
      { target: 'stock-db', reason: 'x' },
      { 'idempotency-key': 'a b' },
    );
    expect(bad.status).toBe(400);
  });

  it('takes fifty open requests of one person, and no more', async () => {
    const ports = world();
    for (let n = 0; n < 51; n += 1) await asked(ports);
    const { status, body } = await as(ports, 'dana').post(LIST, { target: 'stock-db', reason: 'x' });
    expect([status, body['code']]).toEqual([409, 'conflict']);
    await asked(ports, {}, 'eve');
  });

  it('breaks the glass at once, with an alarm, and leaves it to be reviewed by somebody else', async () => {
    const ports = world();
    const id = await asked(ports, { breakGlass: true }, 'devrev');
    expect(ports.stream.told.map(({ kind, alarm }) => [kind, alarm])).toEqual([
      ['break-glass', true],
      ['access-granted', true],
    ]);
    const review = { verdict: 'unjustified', comment: 'no' };
    expect((await as(ports, 'devrev').post(`${LIST}/${id}/review`, review)).status).toBe(403);
    const { body } = await as(ports, 'rui').post(`${LIST}/${id}/review`, review);
    expect(body).toMatchObject({
      state: 'granted',
      needsReview: false,
      review: { verdict: 'unjustified', comment: 'no' },
    });
    expect((await as(ports, 'sam').post(`${LIST}/${id}/review`, { verdict: 'justified' })).status).toBe(409);
    expect(leaves(ports)).toEqual(['access-requested', 'access-granted', 'access-reviewed']);
    expect(ports.stream.told.at(-1)).toMatchObject({ kind: 'break-glass-reviewed', alarm: true });
  });
});

describe('a decision (security case 11)', () => {
  it('is one of two that are needed; the grant begins with the second', async () => {
    const ports = world();
    const id = await asked(ports);
    expect((await decide(ports, 'rui', id)).body).toMatchObject({ state: 'pending', mayDecide: true });
    expect((await decide(ports, 'rui', id)).body['decisions']).toHaveLength(1);
    ports.clock.now = new Date(NOW.getTime() + HOUR);
    const { body } = await decide(ports, 'sam', id);
    expect(body).toMatchObject({
      state: 'granted',
      grant: {
        from: new Date(NOW.getTime() + HOUR).toISOString(),
        until: new Date(NOW.getTime() + 5 * HOUR).toISOString(),
      },
    });
    expect(leaves(ports)).toEqual(['access-requested', 'access-decided', 'access-decided', 'access-granted']);
    expect(ports.stream.told.map(({ id: news }) => news)).toEqual([0, 1, 2, 3].map((n) => `${id}/${n}`));
  });

  it('is nobody’s about their own request, whatever groups they are in', async () => {
    const ports = world();
    const id = await asked(ports, {}, 'devrev');
    for (const decision of ['approved', 'denied']) {
      expect((await decide(ports, 'devrev', id, decision)).status).toBe(403);
    }
    expect((await decide(ports, 'rui', id)).status).toBe(200);
  });

  it('is final for who made it; a denial ends it for all', async () => {
    const ports = world();
    const id = await asked(ports);
    await decide(ports, 'rui', id);
    expect((await decide(ports, 'rui', id, 'denied')).status).toBe(409);
    expect((await decide(ports, 'sam', id, 'denied')).body['state']).toBe('denied');
    expect((await decide(ports, 'devrev', id)).status).toBe(409);
  });

  it('of who saw another state is refused, where they say what they saw', async () => {
    const ports = world();
    const id = await asked(ports);
    const seen = (await as(ports, 'sam').get(`${LIST}/${id}`)).headers['etag'] as string;
    await decide(ports, 'rui', id, 'approved', { 'if-match': seen });
    const late = await decide(ports, 'sam', id, 'approved', { 'if-match': seen });
    expect([late.status, late.body['code']]).toEqual([412, 'precondition-failed']);
    expect((await decide(ports, 'sam', id, 'approved', { 'if-match': '"1"' })).status).toBe(200);
  });

  it('comes too late once the request has expired', async () => {
    const ports = world();
    const id = await asked(ports);
    ports.clock.now = new Date(NOW.getTime() + 8 * HOUR);
    expect(await decide(ports, 'rui', id)).toMatchObject({ status: 409 });
    expect((await as(ports, 'rui').get(`${LIST}/${id}`)).body['state']).toBe('expired');
  });
});

describe('an end before its time', () => {
  it('is the requester’s to give back and a reviewer’s to revoke, and nobody else’s', async () => {
    const ports = world();
    const [one, two] = [await asked(ports), await asked(ports)];
    for (const id of [one, two]) for (const who of ['rui', 'sam']) await decide(ports, who, id);
    expect((await as(ports, 'rui').post(`/v1/grants/${one}/return`)).status).toBe(403);
    expect((await as(ports, 'dana').post(`/v1/grants/${two}/revocation`)).status).toBe(403);
    expect((await as(ports, 'dana').post(`/v1/grants/${one}/return`)).body['state']).toBe('returned');
    expect(
      (await as(ports, 'rui').post(`/v1/grants/${two}/revocation`, { comment: 'enough' })).body,
    ).toMatchObject({
      state: 'revoked',
      grant: { ended: { how: 'revoked', comment: 'enough', by: { subject: 'rui' } } },
    });
    expect((await as(ports, 'sam').post(`/v1/grants/${one}/revocation`)).status).toBe(409);
    expect(leaves(ports).filter((kind) => kind === 'access-ended')).toHaveLength(2);
  });

  it('of a request that waits is a withdrawal', async () => {
    const ports = world();
    const id = await asked(ports);
    expect((await as(ports, 'dana').post(`${LIST}/${id}/return`)).body['state']).toBe('withdrawn');
    expect((await decide(ports, 'rui', id)).status).toBe(409);
  });
});

describe('who may see what (security cases 7, 14)', () => {
  const paths = (id: string): readonly (readonly [method: 'get' | 'post', path: string, body?: object])[] => [
    ['get', `${LIST}/${id}`],
    ['get', `/v1/grants/${id}`],
    ['post', `${LIST}/${id}/decisions`, { decision: 'approved' }],
    ['post', `${LIST}/${id}/return`],
    ['post', `${LIST}/${id}/review`, { verdict: 'justified' }],
    ['post', `/v1/grants/${id}/return`],
    ['post', `/v1/grants/${id}/revocation`],
  ];

  it.each(['eve', 'ada', 'pat', 'olga', 'vera', `dana@https://other.example`])(
    'to %s a request of dana’s is one that does not exist',
    async (who) => {
      const ports = world();
      const id = await asked(ports);
      for (const reviewer of ['rui', 'sam']) await decide(ports, reviewer, id);
      const [real, missing] = [paths(id), paths(MISSING)];
      for (const [at, [method, path, body]] of real.entries()) {
        const answer = await as(ports, who)[method](path, body as Record<string, string>);
        const none = await as(ports, who)[method](missing[at]![1], body as Record<string, string>);
        expect([path, answer.status, answer.body]).toEqual([path, 404, none.body]);
      }
      expect((await as(ports, who).get(LIST)).body).toEqual({ requests: [] });
      expect((await as(ports, who).get('/v1/grants')).body).toEqual({ grants: [] });
    },
  );

  it.each(['not-an-id', '..', '%2e%2e', 'A'.repeat(36)])('%s is no id', async (id) => {
    expect((await as(world(), 'dana').get(`${LIST}/${id}`)).status).toBe(404);
  });

  it('reviewers see what they may decide about, who administers sees all', async () => {
    const ports = world();
    const id = await asked(ports);
    for (const who of ['rui', 'adm', 'dana']) {
      const { requests } = (await as(ports, who).get(LIST)).body as {
        requests: { id: string; mayDecide: boolean }[];
      };
      expect(requests.map((request) => [request.id, request.mayDecide])).toEqual([[id, who === 'rui']]);
    }
    expect((await decide(ports, 'adm', id)).status).toBe(403);
  });

  it('pages give each of them once, newest first, whatever the filters', async () => {
    const people = fc.constantFrom('dana', 'eve', 'devrev');
    const reader = fc.constantFrom('dana', 'eve', 'devrev', 'rui', 'adm', 'ada');
    await fc.assert(
      fc.asyncProperty(
        fc.array(people, { maxLength: 12 }),
        reader,
        fc.integer({ min: 1, max: 5 }),
        async (who, by, limit) => {
          const ports = world();
          const made: [id: string, who: string][] = [];
          for (const one of who) made.push([await asked(ports, {}, one), one]);
          const seen: string[] = [];
          let cursor: string | undefined;
          do {
            const query = { limit: String(limit), ...(cursor === undefined ? {} : { cursor }) };
            const { body } = await as(ports, by).get(LIST, query);
            const page = (body['requests'] as { id: string }[]).map(({ id }) => id);
            expect(page.length).toBeLessThanOrEqual(limit);
            seen.push(...page);
            cursor = body['next'] as string | undefined;
          } while (cursor !== undefined);
          const all = by === 'rui' || by === 'adm' || by === 'devrev';
          const expected = made.filter(([, one]) => all || one === by).map(([id]) => id);
          expect(seen).toEqual(expected.reverse());
        },
      ),
      { numRuns: 40 },
    );
  });

  it('lists are by person, of those that the caller may see anyway', async () => {
    const ports = world();
    const [first, other] = [await asked(ports), await asked(ports, {}, 'eve')];
    const ids = async (who: string, person: string) => {
      const { body } = await as(ports, who).get(LIST, { person });
      return (body['requests'] as { id: string }[]).map(({ id }) => id);
    };
    expect([await ids('rui', 'dana'), await ids('rui', 'eve')]).toEqual([[first], [other]]);
    expect([await ids('dana', 'eve'), await ids('ada', 'dana'), await ids('rui', 'nobody')]).toEqual([
      [],
      [],
      [],
    ]);
    expect((await as(ports, 'rui').get(LIST, { person: '' })).status).toBe(400);
  });

  it('lists are by state, by target, and of what is open', async () => {
    const ports = world();
    const [granted, denied, pending] = [await asked(ports), await asked(ports), await asked(ports)];
    for (const who of ['rui', 'sam']) await decide(ports, who, granted);
    await decide(ports, 'rui', denied, 'denied');
    const ids = async (query: Record<string, string>) =>
      ((await as(ports, 'dana').get(LIST, query)).body['requests'] as { id: string }[]).map(({ id }) => id);
    expect(await ids({ open: 'true' })).toEqual([pending, granted]);
    expect(await ids({ state: 'denied' })).toEqual([denied]);
    expect(await ids({ target: 'orders-db' })).toEqual([]);
    expect((await as(ports, 'dana').get(LIST, { state: 'lost' })).status).toBe(400);
    const { grants } = (await as(ports, 'dana').get('/v1/grants')).body as { grants: object[] };
    expect(grants).toEqual([expect.objectContaining({ id: granted, state: 'granted', rule: 'stock-ask' })]);
    expect((await as(ports, 'dana').get(`/v1/grants/${pending}`)).status).toBe(404);
  });
});

describe('two hundred decisions at once (security case 11)', () => {
  it('come to one outcome, each step told once', async () => {
    const ports = world();
    const id = await asked(ports);
    const people = ['rui', 'sam', 'devrev'];
    const all = Array.from({ length: 200 }, (_, n) =>
      decide(ports, people[n % 3]!, id, n % 7 === 6 ? 'denied' : 'approved'),
    );
    const answers = await Promise.all(all);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const { steps } = ports.access.requests.get(id)!;
    expect(steps.map(({ kind }) => kind)).toEqual(['approved', 'approved', 'granted']);
    expect(leaves(ports)).toHaveLength(4);
    expect(ports.stream.told).toHaveLength(4);
  });
});
