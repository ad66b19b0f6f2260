import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { type Leaf, parseLeaf } from '#core/ledger/leaf.ts';
import type { ApiEvent } from '#lambdas/http.ts';
import { scimHandler } from '#lambdas/scim/handler.ts';
import { entra, okta } from '#test/support/directory-calls.ts';
import { MemoryScim } from '#test/support/memory-scim.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const ISSUER = 'https://id.example';
const SECRETS: Readonly<Record<string, string>> = {
  'okta-secret': 'the-secret-of-okta-0123',
  'entra-secret': 'the-secret-of-entra-012',
  short: 'guess-me',
};
const CONFIG = parseConfig(
  `version: 1
identity:
  - { name: okta, issuer: ${ISSUER}, audience: custody, scim: { tokenFile: okta-secret } }
  - name: entra
    issuer: https://entra.example
    audience: custody
    groupsPrefix: "entra:"
    scim: { tokenFile: entra-secret, userClaim: oid, groups: also-as-groups }
  - { name: weak, issuer: https://weak.example, audience: custody, groupsPrefix: "weak:", scim: { tokenFile: short } }
  - { name: bare, issuer: https://bare.example, audience: custody, groupsPrefix: "bare:" }
targets: {}
`,
  'custody.yaml',
);

interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Record<string, unknown>;
}

interface How {
  readonly secret?: string | undefined;
  readonly type?: string;
  readonly text?: string;
  readonly from?: string;
}

/** The endpoints over a store in memory, and what came of them. */
function stand() {
  const store = new MemoryScim();
  const leaves: Leaf[] = [];
  const faults: CustodyError[] = [];
  let queueFails = false;
  const desk = new ScimDesk({
    store,
    leaves: {
      add: async (bytes) => {
        if (queueFails) throw new CustodyError('store-unavailable', 'the queue is away');
        leaves.push(parseLeaf(bytes)!);
      },
    },
    now: () => NOW,
    newId: () => randomUUID(),
  });
  const handler = scimHandler({
    policy: () => CONFIG,
    desk,
    secretOf: async ({ tokenFile = '' }) => SECRETS[tokenFile]!,
    failures: new TokenFailures(() => 0),
    baseUrl: 'https://api.example',
    log: (error) => void faults.push(error),
  });
  const call = async (
    of: string,
    method: string,
    path: string,
    body?: unknown,
    { secret = SECRETS[`${of}-secret`], type = 'application/scim+json', text, from = '192.0.2.1' }: How = {},
  ): Promise<Answered> => {
    const [proxy = '', rawQueryString = ''] = path.split('?');
    const event = {
      rawQueryString,
      pathParameters: { issuer: of, proxy },
      headers: {
        ...(secret === '' ? {} : { authorization: `Bearer ${secret}` }),
        ...(body === undefined && text === undefined ? {} : { 'content-type': type }),
      },
      requestContext: { http: { method, sourceIp: from } },
      body: text ?? (body === undefined ? undefined : JSON.stringify(body)),
      isBase64Encoded: false,
    } as unknown as ApiEvent;
    const { statusCode, headers = {}, body: answered = '' } = await handler(event, {} as Context);
    return {
      status: statusCode!,
      headers,
      body: answered === '' ? {} : (JSON.parse(answered) as Record<string, unknown>),
    };
  };
  const marked = async (): Promise<string[]> => (await store.marks()).map(({ externalId }) => externalId);
  return {
    call,
    store,
    desk,
    leaves,
    faults,
    marked,
    breakQueue: (broken: boolean) => void (queueFails = broken),
  };
}

type Stand = ReturnType<typeof stand>;

async function made({ call }: Stand, of: string, path: string, body: unknown): Promise<string> {
  const { status, body: resource } = await call(of, 'POST', path, body);
  expect(status).toBe(201);
  return resource['id'] as string;
}

const failureOf = ({ status, body }: Answered) => [status, body['scimType']];

describe('what Okta sends', () => {
  it('looks for somebody, makes them, and reads them back', async () => {
    const at = stand();
    const asked = 'Users?filter=userName%20eq%20%22test.user%40okta.local%22&startIndex=1&count=100';
    expect(await at.call('okta', 'GET', asked)).toMatchObject({
      status: 200,
      body: {
        schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
        ...{ totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] },
      },
    });
    const { status, headers, body } = await at.call(
      'okta',
      'POST',
      'Users',
      okta.create('00ujl29u0le5T6Aj10h7', 'test.user@okta.local'),
    );
    expect(status).toBe(201);
    const location = `https://api.example/v1/scim/okta/v2/Users/${String(body['id'])}`;
    expect(headers).toMatchObject({ 'content-type': 'application/scim+json', location });
    expect(body).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      id: body['id'],
      externalId: '00ujl29u0le5T6Aj10h7',
      userName: 'test.user@okta.local',
      displayName: 'Test User',
      active: true,
      emails: [{ value: 'test.user@okta.local', type: 'work', primary: true }],
      meta: { resourceType: 'User', created: NOW.toISOString(), lastModified: NOW.toISOString(), location },
    });
    expect((await at.call('okta', 'GET', asked)).body['Resources']).toEqual([body]);
    expect((await at.call('okta', 'GET', `Users/${String(body['id'])}`)).body).toEqual(body);
    expect(at.leaves).toEqual([]);
  });

  it.each([
    ['PATCH', (_id: string, active: boolean) => okta.patchActive(active)],
    ['PUT', (id: string, active: boolean) => okta.put(id, 'test.user@okta.local', active)],
  ])('deactivates and reactivates with %s; each change is one leaf', async (method, change) => {
    const at = stand();
    const id = await made(at, 'okta', 'Users', okta.create('00u1', 'test.user@okta.local'));
    const off = await at.call('okta', method, `Users/${id}`, change(id, false));
    expect(off).toMatchObject({ status: 200, body: { active: false, externalId: '00u1' } });
    const changes = await at.store.changes('User');
    await at.call('okta', method, `Users/${id}`, change(id, false));
    expect(await at.store.changes('User')).toBe(changes);
    expect(await at.marked()).toEqual(['00u1']);
    await at.call('okta', method, `Users/${id}`, change(id, true));
    expect(await at.marked()).toEqual([]);
    const leaf = { type: 'custody/leaf/1', at: NOW.toISOString(), issuer: ISSUER, user: '00u1' };
    expect(at.leaves).toEqual([
      { ...leaf, kind: 'person-deactivated' },
      { ...leaf, kind: 'person-reactivated' },
    ]);
  });

  it('makes nobody active who is told of anew without a word of that', async () => {
    const at = stand();
    const id = await made(at, 'okta', 'Users', okta.create('00u1', 'test.user@okta.local'));
    await at.call('okta', 'PATCH', `Users/${id}`, okta.patchActive(false));
    const { active: _left, ...rest } = okta.put(id, 'new.name@okta.local', true);
    const { body } = await at.call('okta', 'PUT', `Users/${id}`, rest);
    expect(body).toMatchObject({ userName: 'new.name@okta.local', active: false });
    expect(await at.marked()).toEqual(['00u1']);
  });

  it('takes a group, renames it, and changes who is in it', async () => {
    const at = stand();
    const [one, two] = [
      await made(at, 'okta', 'Users', okta.create('00u1', 'one@okta.local')),
      await made(at, 'okta', 'Users', okta.create('00u2', 'two@okta.local')),
    ];
    const id = await made(at, 'okta', 'Groups', okta.createGroup('Test SCIMv2'));
    const members = async () => (await at.call('okta', 'GET', `Groups/${id}`)).body['members'] ?? [];
    const patch = async (body: unknown) =>
      expect((await at.call('okta', 'PATCH', `Groups/${id}`, body)).status).toBe(204);
    await patch(okta.replaceMembers(one));
    await patch(okta.swapMember(one, two));
    expect(await members()).toEqual([{ value: two }]);
    await patch({ ...okta.replaceMembers(), Operations: [{ op: 'remove', path: 'members' }] });
    expect(await members()).toEqual([]);
    await patch(okta.replaceMembers(one, two));
    await patch(okta.rename(id, 'Test SCIMv20'));
    expect(await members()).toEqual([{ value: one }, { value: two }]);
    expect((await at.call('okta', 'GET', `Groups/${id}`)).body['displayName']).toBe('Test SCIMv20');
    expect((await at.call('okta', 'DELETE', `Groups/${id}`)).status).toBe(204);
    expect((await at.call('okta', 'GET', `Groups/${id}`)).status).toBe(404);
    // Here groups do not count.
    expect(at.leaves).toEqual([]);
  });
});

describe('what Entra sends', () => {
  const OID = '0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef';

  it.each([
    ['false', entra.disable()],
    ['"False"', entra.textActive('False')],
  ])('disables somebody with %s', async (_how, body) => {
    const at = stand();
    const id = await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    expect(await at.call('entra', 'PATCH', `Users/${id}`, body)).toMatchObject({
      status: 200,
      body: { active: false },
    });
    expect(await at.marked()).toEqual([OID]);
    await at.call('entra', 'PATCH', `Users/${id}`, entra.textActive('True'));
    expect(await at.marked()).toEqual([]);
  });

  it('deletes for good somebody who stays deactivated, until they are made again', async () => {
    const at = stand();
    const id = await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    expect((await at.call('entra', 'DELETE', `Users/${id}`)).status).toBe(204);
    expect((await at.call('entra', 'DELETE', `Users/${id}`)).status).toBe(404);
    expect(await at.marked()).toEqual([OID]);
    await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    expect(await at.marked()).toEqual([]);
    expect(at.leaves.map(({ kind }) => kind)).toEqual(['person-deactivated', 'person-reactivated']);
  });

  it('changes what is not kept here without harm, and the e-mail address by its type', async () => {
    const at = stand();
    const id = await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    const { status, body } = await at.call('entra', 'PATCH', `Users/${id}`, entra.update('d@example.com'));
    expect(status).toBe(200);
    expect(body['emails']).toEqual([{ value: 'd@example.com', type: 'work', primary: true }]);
    expect(body).not.toHaveProperty('name');
  });

  it('makes groups without members, and asks whether somebody is in one', async () => {
    const at = stand();
    const user = await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    const id = await made(at, 'entra', 'Groups', entra.createGroup('8aa1a0c0', 'dbas'));
    const byName = 'Groups?excludedAttributes=members&filter=displayName+eq+%22DBAS%22';
    expect((await at.call('entra', 'GET', byName)).body['totalResults']).toBe(1);
    expect((await at.call('entra', 'PATCH', `Groups/${id}`, entra.addMember(user))).status).toBe(204);
    const shown = await at.call('entra', 'GET', `Groups/${id}?excludedAttributes=members`);
    expect(shown.body).toMatchObject({ displayName: 'dbas', externalId: '8aa1a0c0' });
    expect(shown.body).not.toHaveProperty('members');
    const asks = `Groups?filter=id eq "${id}" and members eq "${user}"&attributes=id`;
    expect((await at.call('entra', 'GET', asks)).body['Resources']).toEqual([
      { schemas: ['urn:ietf:params:scim:schemas:core:2.0:Group'], id },
    ]);
    await at.call('entra', 'PATCH', `Groups/${id}`, entra.removeMember(user));
    expect((await at.call('entra', 'GET', asks)).body['totalResults']).toBe(0);
  });

  it('has leaves of who came into a group that counts, and of who left it', async () => {
    const at = stand();
    const user = await made(at, 'entra', 'Users', entra.create(OID, 'dana@example.com'));
    const id = await made(at, 'entra', 'Groups', entra.createGroup('8aa1a0c0', 'dbas'));
    await at.call('entra', 'PATCH', `Groups/${id}`, entra.addMember(user));
    await at.call('entra', 'PATCH', `Groups/${id}`, entra.addMember(user));
    await at.call('entra', 'PATCH', `Groups/${id}`, okta.rename(id, 'admins'));
    await at.call('entra', 'DELETE', `Groups/${id}`);
    const leaf = { kind: 'group-changed', issuer: 'https://entra.example', users: [OID] };
    expect(at.leaves).toMatchObject([
      { ...leaf, group: 'dbas', how: 'came' },
      { ...leaf, group: 'dbas', how: 'left' },
      { ...leaf, group: 'admins', how: 'came' },
      { ...leaf, group: 'admins', how: 'left' },
    ]);
  });
});

describe('a group of thousands that counts', () => {
  const hundreds = (from: number, to: number): string[] =>
    Array.from(
      { length: to - from },
      (_, i) => `00000000-0000-4000-8000-${String(from + i).padStart(12, '0')}`,
    );

  it('is told of in parts, and goes at one word with a leaf of everybody who left it', async () => {
    const at = stand();
    const id = await made(at, 'entra', 'Groups', entra.createGroup('8aa1a0c0', 'everybody'));
    const all = hundreds(0, 5_000);
    for (const from of [0, 2_500]) {
      const { Operations, ...rest } = okta.replaceMembers(...all.slice(from, from + 2_500));
      const add = { ...rest, Operations: [{ ...Operations[0], op: 'add' }] };
      expect((await at.call('entra', 'PATCH', `Groups/${id}`, add)).status).toBe(204);
    }
    expect((await at.call('entra', 'DELETE', `Groups/${id}`)).status).toBe(204);
    expect((await at.call('entra', 'GET', `Groups/${id}`)).status).toBe(404);
    const left = at.leaves.flatMap((leaf) =>
      leaf.kind === 'group-changed' && leaf.how === 'left' ? leaf.users : [],
    );
    expect(left.toSorted()).toEqual(all);
  });

  it('takes a hundred changes that come at once', async () => {
    const at = stand();
    const id = await made(at, 'entra', 'Groups', entra.createGroup('8aa1a0c0', 'dbas'));
    const all = hundreds(0, 100);
    const answers = await Promise.all(
      all.map((member) => at.call('entra', 'PATCH', `Groups/${id}`, entra.addMember(member))),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([204]));
    const { body } = await at.call('entra', 'GET', `Groups/${id}`);
    expect((body['members'] as { value: string }[]).map(({ value }) => value).toSorted()).toEqual(all);
  });

  it('loses a member whose id is written in capitals, as it takes one', async () => {
    const at = stand();
    const id = await made(at, 'entra', 'Groups', entra.createGroup('8aa1a0c0', 'dbas'));
    const member = 'ABCDEF00-0000-4000-8000-000000000000';
    await at.call('entra', 'PATCH', `Groups/${id}`, okta.replaceMembers(member));
    const gone = okta.swapMember(member, hundreds(0, 1)[0]!);
    expect((await at.call('entra', 'PATCH', `Groups/${id}`, gone)).status).toBe(204);
    expect((await at.call('entra', 'GET', `Groups/${id}`)).body['members']).toEqual([
      { value: hundreds(0, 1)[0] },
    ]);
  });
});

describe('a directory', () => {
  it('is let in by its own secret alone', async () => {
    const { call } = stand();
    const other = { secret: SECRETS['entra-secret'] };
    expect((await call('okta', 'GET', 'Users')).status).toBe(200);
    expect((await call('okta', 'GET', 'Users', undefined, other)).status).toBe(401);
    expect((await call('bare', 'GET', 'Users', undefined, other)).status).toBe(401);
    expect((await call('nobody', 'GET', 'Users', undefined, other)).status).toBe(401);
    const none = await call('okta', 'GET', 'Users', undefined, { secret: '' });
    expect(none).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer', 'content-type': 'application/scim+json' },
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' },
    });
  });

  it('whose secret can be guessed is not let in, and says so to the operator alone', async () => {
    const { call, faults } = stand();
    const { status, body } = await call('weak', 'GET', 'Users', undefined, { secret: SECRETS['short'] });
    expect([status, JSON.stringify(body)]).toEqual([500, expect.not.stringContaining('weak')]);
    expect(faults[0]!.detail).toContain('shorter than 20');
  });

  it('is not asked any more after many wrong secrets from one address', async () => {
    const { call } = stand();
    const wrong = { secret: 'wrong' };
    for (let n = 0; n < 20; n += 1) await call('okta', 'GET', 'Users', undefined, wrong);
    expect((await call('okta', 'GET', 'Users', undefined, wrong)).status).toBe(429);
    for (let n = 0; n < 180; n += 1) await call('okta', 'GET', 'Users', undefined, { secret: `guess-${n}` });
    expect((await call('okta', 'GET', 'Users')).status).toBe(429);
    expect((await call('okta', 'GET', 'Users', undefined, { from: '192.0.2.2' })).status).toBe(200);
  });

  it('is heard from an address that it called from before, whatever other tenants of its provider show there', async () => {
    const { call } = stand();
    expect((await call('okta', 'GET', 'Users')).status).toBe(200);
    for (let n = 0; n < 201; n += 1) await call('okta', 'GET', 'Users', undefined, { secret: `theirs-${n}` });
    expect((await call('okta', 'GET', 'Users')).status).toBe(200);
    expect((await call('okta', 'GET', 'Users', undefined, { secret: 'theirs' })).status).toBe(429);
    // Which directory a secret is of is part of what was proved.
    expect((await call('entra', 'GET', 'Users')).status).toBe(429);
  });

  it.each(['x'.repeat(1_100), 'é'.repeat(600), 'x'])(
    'finds nobody by an id that is none: %.9s',
    async (id) => {
      const { call } = stand();
      expect((await call('okta', 'GET', `Users/${id}`)).status).toBe(404);
      expect((await call('okta', 'DELETE', `Groups/${id}`)).status).toBe(404);
      for (const named of [id, ''])
        expect((await call('okta', 'GET', `Users?filter=id eq "${named}"`)).body['totalResults']).toBe(0);
    },
  );

  it('sees nothing of another', async () => {
    const at = stand();
    const id = await made(at, 'okta', 'Users', okta.create('00u1', 'dana@example.com'));
    expect((await at.call('entra', 'GET', `Users/${id}`)).status).toBe(404);
    expect((await at.call('entra', 'DELETE', `Users/${id}`)).status).toBe(404);
    expect((await at.call('entra', 'PATCH', `Users/${id}`, entra.disable())).status).toBe(404);
    expect((await at.call('entra', 'GET', 'Users')).body['totalResults']).toBe(0);
    await made(at, 'entra', 'Users', entra.create('00u1', 'dana@example.com'));
  });

  it('is told of a name that is taken', async () => {
    const at = stand();
    await made(at, 'okta', 'Users', okta.create('00u1', 'dana@example.com'));
    const id = await made(at, 'okta', 'Users', okta.create('00u2', 'rui@example.com'));
    const taken = [409, 'uniqueness'];
    expect(
      failureOf(await at.call('okta', 'POST', 'Users', okta.create('00u3', 'DANA@example.com'))),
    ).toEqual(taken);
    expect(failureOf(await at.call('okta', 'POST', 'Users', okta.create('00u1', 'eve@example.com')))).toEqual(
      taken,
    );
    const renamed = okta.put(id, 'dana@example.com', true);
    expect(failureOf(await at.call('okta', 'PUT', `Users/${id}`, renamed))).toEqual(taken);
  });

  it('is given pages', async () => {
    const at = stand();
    for (let n = 1; n <= 5; n += 1)
      await made(at, 'okta', 'Users', okta.create(`00u${n}`, `p${n}@example.com`));
    const page = async (query: string) => {
      const { totalResults, startIndex, itemsPerPage } = (await at.call('okta', 'GET', `Users?${query}`))
        .body;
      return [totalResults, startIndex, itemsPerPage];
    };
    expect(await page('startIndex=1&count=2')).toEqual([5, 1, 2]);
    expect(await page('startIndex=5&count=2')).toEqual([5, 5, 1]);
    expect(await page('startIndex=0&count=-1')).toEqual([5, 1, 0]);
    expect(await page('count=0')).toEqual([5, 1, 0]);
    expect(await page('count=999999')).toEqual([5, 1, 5]);
    expect(failureOf(await at.call('okta', 'GET', 'Users?count=many'))).toEqual([400, 'invalidValue']);
  });

  it('finds out what there is', async () => {
    const { call } = stand();
    const config = (await call('okta', 'GET', 'ServiceProviderConfig')).body;
    expect(config).toMatchObject({ patch: { supported: true }, etag: { supported: false } });
    const types = (await call('okta', 'GET', 'ResourceTypes')).body['Resources'] as { id: string }[];
    expect(types.map(({ id }) => id)).toEqual(['User', 'Group']);
    expect((await call('okta', 'GET', 'ResourceTypes/Group')).body).toMatchObject({ endpoint: '/Groups' });
    const schema = 'urn:ietf:params:scim:schemas:core:2.0:User';
    expect((await call('okta', 'GET', `Schemas/${schema}`)).body).toMatchObject({ id: schema, name: 'User' });
    expect((await call('okta', 'GET', 'Schemas?filter=id eq "x"')).status).toBe(403);
    expect((await call('okta', 'POST', 'Schemas', {})).status).toBe(405);
  });

  it.each([
    ['GET', 'constructor', 404],
    ['GET', '__proto__', 404],
    ['GET', '', 404],
    ['GET', 'Users/', 404],
    ['GET', 'Users/1/more', 404],
    ['GET', 'Users/none', 404],
    ['POST', 'Users/none', 405],
    ['PUT', 'Users', 405],
    ['GET', 'ServiceProviderConfig/1', 404],
    ['GET', 'Me', 404],
    ['POST', 'Bulk', 404],
  ])('is told what there is not: %s %s', async (method, path, status) => {
    const { call } = stand();
    const answered = await call('okta', method, path, method === 'GET' ? undefined : {});
    expect(answered.status).toBe(status);
    expect(answered.body).toMatchObject({ status: String(status) });
  });

  it('owes the ledger a leaf that the queue did not take, and pays it later', async () => {
    const at = stand();
    const id = await made(at, 'okta', 'Users', okta.create('00u1', 'dana@example.com'));
    at.breakQueue(true);
    expect((await at.call('okta', 'PATCH', `Users/${id}`, okta.patchActive(false))).status).toBe(503);
    // It counts already: what stands in the way of the ledger keeps nobody in.
    expect(await at.marked()).toEqual(['00u1']);
    at.breakQueue(false);
    expect(await at.desk.payAll()).toBe(1);
    expect(await at.desk.payAll()).toBe(0);
    expect(at.leaves).toMatchObject([{ kind: 'person-deactivated', user: '00u1' }]);
  });

  it('loses no change of many at once', async () => {
    const at = stand();
    const users = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        made(at, 'okta', 'Users', okta.create(`00u${n}`, `p${n}@example.com`)),
      ),
    );
    const id = await made(at, 'okta', 'Groups', okta.createGroup('all'));
    await Promise.all(users.map((user) => at.call('okta', 'PATCH', `Groups/${id}`, entra.addMember(user))));
    const { members } = (await at.call('okta', 'GET', `Groups/${id}`)).body as {
      members: { value: string }[];
    };
    expect(members.map(({ value }) => value).toSorted()).toEqual(users.toSorted());
  });
});

describe('a body that is not good', () => {
  const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
  const user = { schemas: [USER], userName: 'dana', externalId: '00u1' };
  const patch = (...Operations: readonly unknown[]) => ({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations,
  });

  it.each([
    ['no JSON', 'invalidSyntax', '{'],
    ['a name twice', 'invalidSyntax', '{"schemas":[],"schemas":[]}'],
    ['a name twice in other cases', 'invalidSyntax', `{"schemas":["${USER}"],"userName":"a","USERNAME":"b"}`],
    ['no object', 'invalidSyntax', '[]'],
    ['more than a MiB', 'invalidSyntax', JSON.stringify({ ...user, more: 'x'.repeat(1 << 20) })],
  ])('has %s', async (_what, type, text) => {
    const { call } = stand();
    expect(failureOf(await call('okta', 'POST', 'Users', undefined, { text }))).toEqual([400, type]);
  });

  it.each([
    ['no schema', 'invalidSyntax', { ...user, schemas: [] }],
    ['no user name', 'invalidValue', { ...user, userName: '' }],
    ['a user name that is none', 'invalidValue', { ...user, userName: { a: 1 } }],
    ['no externalId', 'invalidValue', { ...user, externalId: undefined }],
    ['a name that is too long', 'invalidValue', { ...user, userName: 'x'.repeat(257) }],
    ['a name with a line end', 'invalidValue', { ...user, externalId: '00u1\n' }],
    ['an activity that is none', 'invalidValue', { ...user, active: 'perhaps' }],
    ['an activity that is a number', 'invalidValue', { ...user, active: 1 }],
    [
      'too many addresses',
      'invalidValue',
      { ...user, emails: Array.from({ length: 21 }, () => ({ value: 'a@b' })) },
    ],
  ])('has %s', async (_what, type, body) => {
    const { call, marked } = stand();
    expect(failureOf(await call('okta', 'POST', 'Users', body))).toEqual([400, type]);
    expect(await marked()).toEqual([]);
  });

  it.each([
    ['no operations', 'invalidSyntax', { schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'] }],
    ['operations of none', 'invalidSyntax', patch()],
    ['an operation that is none', 'invalidSyntax', patch({ op: 'move', path: 'active', value: false })],
    [
      'more than a thousand',
      'tooMany',
      patch(...Array.from({ length: 1_001 }, () => okta.patchActive(true))),
    ],
    ['a removal of everything', 'noTarget', patch({ op: 'remove' })],
    ['a removal of active', 'invalidValue', patch({ op: 'remove', path: 'active' })],
    ['a removal of the externalId', 'invalidValue', patch({ op: 'remove', path: 'externalId' })],
    ['a path that is none', 'invalidPath', patch({ op: 'replace', path: 'active[', value: false })],
    ['a part of active', 'invalidPath', patch({ op: 'replace', path: 'active.now', value: false })],
    ['a value without a path that is none', 'invalidSyntax', patch({ op: 'replace', value: false })],
    ['no truth value', 'invalidValue', patch({ op: 'replace', path: 'active', value: 'no' })],
    [
      'a good one before a bad one',
      'invalidValue',
      patch(okta.patchActive(false).Operations[0], { op: 'add', path: 'active', value: null }),
    ],
  ])('changes nothing: %s', async (_what, type, body) => {
    const at = stand();
    const id = await made(at, 'okta', 'Users', okta.create('00u1', 'dana@example.com'));
    expect(failureOf(await at.call('okta', 'PATCH', `Users/${id}`, body))).toEqual([400, type]);
    expect((await at.call('okta', 'GET', `Users/${id}`)).body['active']).toBe(true);
    expect(await at.marked()).toEqual([]);
  });

  it.each([
    ['of no user', 'invalidValue', patch({ op: 'add', path: 'members', value: [{ value: 'dana' }] })],
    ['that a filter adds', 'invalidPath', patch({ op: 'add', path: 'members[value eq "a"]', value: [] })],
    ['by something else', 'invalidPath', patch({ op: 'remove', path: 'members[display eq "a"]' })],
    ['too many', 'tooMany', okta.replaceMembers(...Array.from({ length: 5_001 }, () => randomUUID()))],
  ])('has members %s', async (_what, type, body) => {
    const at = stand();
    const id = await made(at, 'okta', 'Groups', okta.createGroup('all'));
    expect(failureOf(await at.call('okta', 'PATCH', `Groups/${id}`, body))).toEqual([400, type]);
  });

  it('is of another type', async () => {
    const { call } = stand();
    const plain = { type: 'text/plain' };
    expect(failureOf(await call('okta', 'POST', 'Users', user, plain))).toEqual([400, 'invalidSyntax']);
    const json = { type: 'application/json; charset=utf-8' };
    expect((await call('okta', 'POST', 'Users', user, json)).status).toBe(201);
  });

  it('is a filter that is not understood', async () => {
    const { call } = stand();
    for (const filter of [
      'userName',
      'userName sw "a"',
      'name.familyName eq "a"',
      'userName eq "a" or userName eq "b"',
    ])
      expect(
        failureOf(await call('okta', 'GET', `Users?filter=${encodeURIComponent(filter)}`)),
        filter,
      ).toEqual([400, 'invalidFilter']);
  });
});
