import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { newDeviationRequest } from '#core/access/lifecycle.ts';
import { type AccessRequest, digestOf } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import type { Run } from '#core/tasks/run.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import { accessHandler } from '#lambdas/access/handler.ts';
import { call, ISSUER, MISSING, NOW, type World, world } from './support.ts';

const RUN = '019acd1b-3280-7b61-8e21-1f6a7c1d2e3f';
const SESSION = '019acd24-1f00-7a61-9f43-0b9a7c1d2e3f';
const target = (name: string): string =>
  `  ${name}: { protocol: postgres, address: "${name}.internal:5432", database: main, credential: { user: app, passwordFile: secret } }`;
const fileWith = (reviewers: string): string => `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
${['orders-db', 'stock-db'].map(target).join('\n')}
rules:
  - { name: work, groups: [developers], targets: [orders-db], allow: [connect], when: { task: refunds/* } }
  - { name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [payroll] }, maxDuration: 4h } }
  - { name: run-it, groups: [platform], targets: ["*"], allow: [administer] }
workflows:
  refunds:
    tasks:
      find: { target: stock-db, by: { groups: [developers] }, contract: { does: [{ name: look, statement: SELECT 1 }] } }
      refund:
        target: orders-db
        by: { groups: [developers] }
        after: [find]
        contract:
          does: [{ name: give, statement: "UPDATE orders SET paid = true WHERE id = $1", values: { $1: { type: integer } } }]
          onDeviation: { ask: { reviewers: { any: [${reviewers}] }, wait: 2m } }
`;
const POLICY = parseConfig(fileWith('reviewers'), 'custody.yaml');
const OTHER = parseConfig(fileWith('reviewers, owners'), 'custody.yaml');
const DIGEST = workflowDigest(POLICY.workflows.get('refunds')!);
const OF = { workflow: 'refunds', workflowDigest: DIGEST };

const running: Run = {
  ...{ id: RUN, digest: 'd'.repeat(64), ...OF, policy: POLICY.version },
  startedBy: { issuer: ISSUER, subject: 'dana' },
  startedAt: NOW.toISOString(),
  until: new Date(NOW.getTime() + 3_600_000).toISOString(),
  inputs: {},
  keyDigest: 'e'.repeat(64),
  steps: [],
};

function stand(policy = POLICY, more: Partial<Run> = {}): World {
  const get = async (id: string): Promise<Run> => {
    if (id === RUN) return { ...running, ...more };
    throw new CustodyError('not-found', 'no such run');
  };
  return { ...world(policy), runs: { get } };
}

const post = (ports: World, token: string, path: string, body: object) =>
  call(accessHandler(ports), path, { token, method: 'POST', body });
const get = (ports: World, token: string, path: string) => call(accessHandler(ports), path, { token });
const asks = (ports: World, body: object) =>
  post(ports, 'dana', '/v1/requests', { target: 'orders-db', reason: 'a bug', ...body });

describe('POST /v1/requests for a run', () => {
  it('asks for sessions of it alone, and shows the contracts that it is about', async () => {
    const ports = stand();
    const { status, body } = await asks(ports, { run: RUN, task: 'refund' });
    expect(status).toBe(201);
    expect(body).toMatchObject({ state: 'pending', rule: 'ask', run: { id: RUN, ...OF, task: 'refund' } });
    expect(body['contracts']).toEqual({ refund: expect.objectContaining({ after: ['find'] }) as object });
    const any = await asks(ports, { run: RUN });
    expect(any.body['run']).toEqual({ id: RUN, ...OF });
    expect(Object.keys(any.body['contracts'] as object)).toEqual(['refund']);
    const stored = await ports.requests.get(String(body['id']));
    expect(stored.digest).toBe(digestOf(stored));
  });

  it.each<[what: string, body: object, status: number, detail: RegExp]>([
    ['a run that there is not', { run: MISSING }, 404, /no such run/],
    ['a task of no run', { task: 'refund' }, 400, /a task is of a run/],
    ['a task that there is not', { run: RUN, task: 'constructor' }, 400, /no task constructor of the run/],
    [
      'a task on another target',
      { run: RUN, task: 'find' },
      400,
      /no task find of the run is on this target/,
    ],
    ['what is no id', { run: 'x' }, 400, /^run: /],
    ['what is no name', { run: RUN, task: 'A b' }, 400, /^task: /],
  ])('refuses %s', async (_what, body, status, detail) => {
    const ports = stand();
    const answer = await asks(ports, body);
    expect([answer.status, answer.body['detail']]).toEqual([status, expect.stringMatching(detail)]);
    expect(ports.access.requests.size).toBe(0);
  });

  it('is of a run that there is not, for whoever has no part in it (security case 14)', async () => {
    const eve = (ports: World) =>
      post(ports, 'eve', '/v1/requests', { target: 'orders-db', reason: 'x', run: RUN });
    const policy = parseConfig(
      fileWith('reviewers').replaceAll('by: { groups: [developers] }', 'by: { groups: [payroll] }'),
      'custody.yaml',
    );
    const of = { workflowDigest: workflowDigest(policy.workflows.get('refunds')!) };
    const [partner, others] = [await eve(stand()), await eve(stand(policy, of))];
    expect([others.status, others.body['detail']]).toEqual([404, 'no such run']);
    expect(partner.status).toBe(201);
    const own = await post(stand(policy, of), 'dana', '/v1/requests', {
      target: 'orders-db',
      reason: 'x',
      run: RUN,
    });
    expect(own.status).toBe(201);
  });

  it.each<[what: string, ports: World, detail: RegExp]>([
    ['is over', stand(POLICY, { until: NOW.toISOString() }), /is over/],
    [
      'was ended',
      stand(POLICY, {
        steps: [{ at: NOW.toISOString(), kind: 'ended', by: { issuer: ISSUER, subject: 'x' } }],
      }),
      /is over/,
    ],
    ['is under another workflow', stand(OTHER), /the workflow of the run was changed/],
    ['is under none', stand(POLICY, { workflow: 'gone' }), /the workflow of the run was changed/],
  ])('refuses a run that %s', async (_what, ports, detail) => {
    const { status, body } = await asks(ports, { run: RUN });
    expect([status, body['detail']]).toEqual([409, expect.stringMatching(detail)]);
  });
});

describe('a request with a command that waits', () => {
  /** As the gateway makes it. */
  async function waiting(ports: World): Promise<AccessRequest> {
    const principal = {
      issuer: ISSUER,
      subject: 'dana',
      groups: ['developers'],
      expiresAt: new Date(NOW.getTime() + 1),
    };
    const of = { run: RUN, workflow: 'refunds', task: 'refund' };
    const permission = decide({
      ...{ policy: POLICY, principal, target: 'orders-db', now: NOW, action: 'request' },
      context: { task: { ...of, digest: DIGEST } },
      live: { session: SESSION, rule: 'work', startedAt: NOW },
      wish: { deviation: { ...of, workflowDigest: DIGEST } },
    });
    if (!Authorization.isOne(permission)) throw new Error('nobody may ask');
    const command = { sha256: 'a'.repeat(64), text: 'DELETE FROM orders' };
    const deviation = {
      ...{ ...of, workflowDigest: DIGEST, session: SESSION, command, isAnswer: false },
      ...{
        kind: 'not-in-contract' as const,
        expected: 'no such command',
        seen: 'another command',
      },
    };
    return ports.requests.create(newDeviationRequest(permission, deviation, MISSING, NOW));
  }

  it('is shown with the command, the difference, the contract, and who decides by it', async () => {
    const ports = stand();
    const { id, deviation } = await waiting(ports);
    const { status, body } = await get(ports, 'rui', `/v1/requests/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ state: 'pending', rule: 'work', deviation, durationSeconds: 120, mayDecide: true },
      needs: { approvals: 1, any: ['reviewers'] },
    });
    expect(body['contracts']).toEqual({
      refund: {
        ...{ target: 'orders-db', by: { groups: ['developers'] }, after: ['find'] },
        contract: expect.objectContaining({
          onDeviation: { ask: { reviewers: { any: ['reviewers'] }, wait: '2m' } },
        }) as object,
      },
    });
  });

  it('is in the list of the contract’s reviewers, of who asked and of who administers, without contracts', async () => {
    const ports = stand();
    await waiting(ports);
    for (const [who, count] of [
      ['rui', 1],
      ['dana', 1],
      ['adm', 1],
      ['pat', 0],
      ['eve', 0],
    ] as const) {
      const { body } = await get(ports, who, '/v1/requests');
      const requests = body['requests'] as { deviation?: object; contracts?: object }[];
      expect([who, requests.length]).toEqual([who, count]);
      for (const { deviation, contracts } of requests)
        expect([typeof deviation, contracts]).toEqual(['object', undefined]);
    }
  });

  it('is in the list by its run, as what was asked for sessions of the run is, of those that one sees anyway', async () => {
    const ports = stand();
    const { id } = await waiting(ports);
    const { body } = await asks(ports, { run: RUN });
    await asks(ports, {});
    const listed = async (who: string, run: string) => {
      const answer = await call(accessHandler(ports), '/v1/requests', { token: who, query: { run } });
      return (answer.body['requests'] as { id: string }[] | undefined)?.map((one) => one.id) ?? answer.status;
    };
    const both = [id, String(body['id'])].toSorted().toReversed();
    expect([await listed('dana', RUN), await listed('adm', RUN)]).toEqual([both, both]);
    expect([await listed('rui', RUN), await listed('eve', RUN)]).toEqual([[id], []]);
    expect([await listed('dana', MISSING), await listed('dana', 'x')]).toEqual([[], 400]);
  });

  it.each(['pat', 'eve', 'bot'])('is not there for %s (security cases 7, 14)', async (who) => {
    const ports = stand();
    const { id } = await waiting(ports);
    expect((await get(ports, who, `/v1/requests/${id}`)).status).toBe(404);
  });

  it('is approved by the contract’s reviewers alone (security cases 11, 14)', async () => {
    const ports = stand();
    const { id } = await waiting(ports);
    const path = `/v1/requests/${id}/decisions`;
    const by = (who: string) => post(ports, who, path, { decision: 'approved' });
    expect((await by('dana')).status).toBe(403);
    expect((await by('adm')).status).toBe(403);
    expect((await by('pat')).status).toBe(404);
    expect((await by('rui')).body).toMatchObject({
      state: 'granted',
      decisions: [{ groups: ['reviewers'] }],
    });
    expect((await by('sam')).status).toBe(409);
  });

  it('shows no contract that it was not about, once the workflow is another, and nobody decides then', async () => {
    const ports = stand();
    const { id } = await waiting(ports);
    const later = { ...ports, policy: () => OTHER };
    const { body } = await get(later, 'dana', `/v1/requests/${id}`);
    expect([body['contracts'], body['needs']]).toEqual([undefined, undefined]);
    expect((await post(later, 'rui', `/v1/requests/${id}/decisions`, { decision: 'approved' })).status).toBe(
      404,
    );
  });

  it('cannot be asked for at the API (security case 13)', async () => {
    const { status, body } = await asks(stand(), { deviation: { run: RUN } });
    expect([status, body['detail']]).toEqual([400, expect.stringMatching(/deviation/)]);
  });
});
