import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { sandboxesHandler } from '#lambdas/sandboxes/handler.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { MemoryIndex } from '#test/support/memory-ports.ts';
import { noSandboxes } from '#test/support/memory-sandboxes.ts';
import { sessionRecord } from '#test/support/session-records.ts';
import { call, ISSUER, NOW } from './support.ts';

const POLICY = parseConfig(
  `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  orders-db:
    protocol: postgres
    address: db.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }
  sandbox-db:
    protocol: postgres
    sandbox: { from: orders-db, for: 1h }
    database: main
    credential: { user: app, passwordFile: secret }
  payroll-db:
    protocol: postgres
    address: db.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }
    redact: { columns: [salary] }
  payroll-copy:
    protocol: postgres
    sandbox: { from: payroll-db, for: 1h }
    database: main
    credential: { user: app, passwordFile: secret }
rules:
  - { name: pay, groups: [reviewers], targets: [payroll-copy, sandbox-db], allow: [connect] }
  - { name: pay-own, groups: [reviewers], targets: [orders-db], allow: [rerun], sessions: any }
  - { name: pay-any, groups: [operators], targets: [payroll-db, payroll-copy], allow: [rerun, connect], sessions: any }
  - { name: pay-all, groups: [payroll], targets: [payroll-db, payroll-copy], allow: [rerun, connect], sessions: any, unredacted: true }
  - { name: work, groups: [developers], targets: [orders-db, sandbox-db], allow: [connect] }
  - { name: again, groups: [developers, visitors, payroll], targets: ["*"], allow: [rerun] }
  - { name: any, groups: [auditors], targets: ["*"], allow: [rerun], sessions: any }
  - { name: in, groups: [auditors, archive], targets: [sandbox-db], allow: [connect] }
  - { name: run-it, groups: [platform], targets: ["*"], allow: [administer] }
`,
  'custody.yaml',
);

const OWN = sessionRecord(1);
const OTHERS = sessionRecord(2, { subject: 'eve' });
const ABSENT = sessionRecord(3).id;
const OF_SSH = { ...sessionRecord(4), protocol: 'ssh' };

async function api() {
  const sessions = new MemoryIndex();
  for (const record of [OWN, OTHERS, OF_SSH]) await sessions.opened(record);
  const kept = noSandboxes(() => NOW);
  const woken: string[] = [];
  const handler = sandboxesHandler({
    ...kept,
    wake: async () => void woken.push('now'),
    policy: () => POLICY,
    requests: new MemoryAccess(),
    sessions,
    now: () => NOW,
    log: () => undefined,
  });
  const post = (token: string, body: object, headers: Record<string, string> = {}) =>
    call(handler, '/v1/sandboxes', {
      token,
      method: 'POST',
      body: { target: 'sandbox-db', ...body },
      headers,
    });
  const at = (token: string, id: unknown, method = 'GET') =>
    call(handler, `/v1/sandboxes/${String(id)}`, { token, method });
  const list = (token: string) => call(handler, '/v1/sandboxes', { token });
  return { post, at, list, woken, ...kept };
}

describe('/v1/sandboxes', () => {
  it('has one made for a session of the caller, shows it, and removes it', async () => {
    const { post, at, list, woken, sandboxes } = await api();
    const { status, body } = await post('dana', { session: OWN.id, durationSeconds: 600 });
    expect([status, body]).toMatchObject([
      202,
      { target: 'sandbox-db', from: 'orders-db', session: OWN.id, at: OWN.startedAt, state: 'making' },
    ]);
    expect(body['until']).toBe(new Date(NOW.getTime() + 600_000).toISOString());
    expect(woken).toEqual(['now']);
    const [kept] = await sandboxes.present();
    await sandboxes.change({
      ...kept!,
      version: 1,
      state: 'ready',
      address: { host: '10.0.0.9', port: 5432 },
    });
    const ready = await at('dana', body['id']);
    expect(ready.body).toEqual({ ...body, state: 'ready' });
    expect((await list('dana')).body).toEqual({ sandboxes: [ready.body] });
    expect((await at('dana', body['id'], 'DELETE')).body).toMatchObject({ state: 'removed' });
    expect((await list('dana')).body).toEqual({ sandboxes: [] });
    expect((await at('dana', body['id'])).body).toMatchObject({ state: 'removed' });
  });

  it.each<[what: string, token: string, body: object, answer: object]>([
    ['now, for a session', 'dana', { session: OWN.id, at: 'now' }, { at: NOW.toISOString() }],
    ['of anybody’s session, where a rule says so', 'ada', { session: OTHERS.id }, { at: OTHERS.startedAt }],
    ['now, without a session', 'ada', {}, { at: NOW.toISOString() }],
    ['as of a time', 'ada', { at: '2026-11-22T10:00:00+01:00' }, { at: '2026-11-22T09:00:00.000Z' }],
  ])('has one made %s', async (_, token, body, answer) => {
    expect(await (await api()).post(token, body)).toMatchObject({ status: 202, body: answer });
  });

  it.each<[what: string, token: string, body: object, status: number, words: string]>([
    ['has no right to rerun anybody’s', 'dana', {}, 403, 'without a session'],
    ['may not connect to it', 'vera', { session: OWN.id }, 403, 'that you may connect to'],
    ['may connect and not rerun', 'arch', {}, 403, 'without a session'],
    ['names a target that is there', 'dana', { target: 'orders-db', session: OWN.id }, 422, 'is not made'],
    [
      'names no target that there is',
      'dana',
      { target: 'other', session: OWN.id },
      403,
      'there is no target',
    ],
    ['names a session of another protocol', 'dana', { session: OF_SSH.id }, 422, 'a session of ssh'],
    ['wants a session’s time without one', 'ada', { at: 'session' }, 400, 'no session is named'],
    [
      'wants another time for a session',
      'ada',
      { session: OWN.id, at: '2026-11-22T10:00:00Z' },
      400,
      'its own time',
    ],
    ['wants a time to come', 'ada', { at: '2027-01-01T00:00:00Z' }, 400, 'still to come'],
  ])('refuses whoever %s', async (_, token, body, status, words) => {
    const refused = await (await api()).post(token, body);
    expect(refused).toMatchObject({ status, body: { detail: expect.stringContaining(words) } });
  });

  it('security cases 7, 14: of sessions and sandboxes of others says no more than of what is not there', async () => {
    const { post, at, list } = await api();
    const missing = await post('dana', { session: ABSENT });
    expect(missing.status).toBe(404);
    expect(await post('dana', { session: OTHERS.id })).toEqual(missing);
    const { body } = await post('dana', { session: OWN.id });
    const nothing = await at('eve', ABSENT);
    for (const method of ['GET', 'DELETE']) expect(await at('eve', body['id'], method)).toEqual(nothing);
    expect((await list('eve')).body).toEqual({ sandboxes: [] });
    expect(await at('agent-7>dana', body['id'])).toEqual(nothing);
    expect((await at('adm', body['id'], 'DELETE')).body).toMatchObject({ state: 'removed' });
  });

  it('security case 14: a session of one target is no way to the data of another', async () => {
    const { post } = await api();
    expect((await post('rui', { session: OWN.id })).status).toBe(202);
    const refused = await post('rui', { target: 'payroll-copy', session: OWN.id });
    expect([refused.status, refused.body['detail']]).toEqual([403, expect.stringContaining('none of what')]);
  });

  it('security case 7: nobody gets a copy of what its recordings are shown without, unless unredacted', async () => {
    const { post } = await api();
    const refused = await post('olga', { target: 'payroll-copy' });
    expect(refused).toMatchObject({ status: 403, body: { code: 'evidence-redacted' } });
    expect((await post('pat', { target: 'payroll-copy' })).status).toBe(202);
  });

  it('makes one for one key, and three for one person', async () => {
    const { post } = await api();
    const first = await post('ada', {}, { 'idempotency-key': 'k' });
    expect(await post('ada', {}, { 'idempotency-key': 'k' })).toEqual(first);
    await post('ada', {});
    await post('ada', {});
    expect((await post('ada', {})).status).toBe(412);
  });
});
