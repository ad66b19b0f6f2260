import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { explain } from '#core/access/explain.ts';
import { targetsHandler } from '#lambdas/targets/handler.ts';
import { MemoryAccess } from '#test/support/memory-access.ts';
import { type Answered, call, NOW, POLICY } from './support.ts';

const DANA = {
  issuer: 'https://id.example',
  subject: 'dana',
  groups: ['developers'],
  expiresAt: new Date(NOW.getTime() + 1),
};
const gateway = { host: 'gateway.example', port: 7400, caPem: '-----BEGIN CERTIFICATE-----' };
const log = (): void => undefined;

async function targetsOf(token: string | undefined, policy = POLICY): Promise<Answered> {
  const handler = targetsHandler({
    policy: () => policy,
    requests: new MemoryAccess(),
    gateway: async () => gateway,
    now: () => NOW,
    log,
  });
  return call(handler, '/v1/targets', token === undefined ? {} : { token });
}

describe('GET /v1/targets', () => {
  it('names the gateway, and the target as the database', async () => {
    const { status, body } = await targetsOf('dana');
    expect(status).toBe(200);
    expect(body).toEqual({
      targets: [
        {
          name: 'orders-db',
          protocol: 'postgres',
          ...gateway,
          database: 'orders-db',
          connectSeconds: 20,
          access: 'standing',
          ask: [],
        },
        expect.objectContaining({ name: 'stock-db', access: 'requestable' }),
      ],
    });
  });

  it('says how long connecting can take: the target has its time, and reviewers have theirs', async () => {
    const text = `version: 1
identity: { issuer: https://id.example, audience: custody }
targets: { t: { protocol: postgres, address: "t:5432", database: m, credential: { user: a, passwordFile: s }, connect: { timeout: 45s } } }
rules:
  - name: ask
    groups: [developers]
    targets: [t]
    allow: [connect]
    approval: { reviewers: { any: [reviewers] }, approvals: 1, maxDuration: 4h, pendingFor: 8h, wait: 2m }
`;
    const { body } = await targetsOf('dana', parseConfig(text, 'c'));
    expect(body).toMatchObject({ targets: [{ access: 'requestable', connectSeconds: 175 }] });
  });

  it('says who has to agree, how long it waits for them, and whether a run has to be named', async () => {
    const { body } = await targetsOf('dana');
    const { targets } = body as { targets: { name: string; ask: object[] }[] };
    const reviewers = { any: ['reviewers'] };
    expect(targets.find(({ name }) => name === 'stock-db')!.ask).toMatchObject([
      { rule: 'stock-ask', approvals: 2, reviewers, pendingSeconds: 28_800, for: 'any' },
      { rule: 'stock-glass', approvals: 0, reviewers, for: 'any' },
    ]);
  });

  it('says which are sandboxes, and made of what; so does an explanation', async () => {
    const text = `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  t: { protocol: postgres, address: "t:5432", database: m, credential: { user: a, passwordFile: s } }
  there: { protocol: postgres, address: "s:5432", database: m, credential: { user: a, passwordFile: s }, sandbox: true }
  made: { protocol: postgres, database: m, credential: { user: a, passwordFile: s }, sandbox: { from: t, at: now } }
rules: [{ name: all, groups: [developers], targets: ["*"], allow: [connect] }]
`;
    const policy = parseConfig(text, 'c');
    const { targets } = (await targetsOf('dana', policy)).body as { targets: Record<string, unknown>[] };
    const made = { from: 't', at: 'now', seconds: 3600 };
    expect(targets.map(({ sandbox }) => sandbox)).toEqual([undefined, {}, made]);
    const explained = ['t', 'there', 'made'].map(
      (target) => explain({ policy, principal: DANA, action: 'connect', target, now: NOW }).because,
    );
    expect(explained.map((because) => because.split('; ')[1])).toEqual([
      undefined,
      'it is a sandbox',
      'it is a sandbox made of t',
    ]);
  });

  it.each(['dana', 'vera'])(
    'never says where the target is, nor how to log in there: to %s (security case 15)',
    async (who) => {
      const text = JSON.stringify((await targetsOf(who)).body);
      for (const secret of ['internal', '5432', 'main', '"app"', 'passwordFile', 'secret']) {
        expect(text).not.toContain(secret);
      }
    },
  );

  it.each(['ada', 'pat', 'arch'])(
    'is empty for %s, who may only look (security cases 7, 14)',
    async (who) => {
      expect((await targetsOf(who)).body).toEqual({ targets: [] });
    },
  );

  it('is empty when no rule allows anything', async () => {
    const bare = parseConfig(
      'version: 1\nidentity: { issuer: "https://id.example", audience: c }\ntargets: {}',
      'c',
    );
    expect((await targetsOf('dana', bare)).body).toEqual({ targets: [] });
  });

  it('needs a token (security case 22)', async () => {
    expect((await targetsOf(undefined)).status).toBe(401);
    expect((await targetsOf('mallory')).status).toBe(401);
  });

  it('names nothing once the token has expired, whatever the verifier thought (security case 12)', async () => {
    const late = new Date(NOW.getTime() + 60_000);
    const handler = targetsHandler({
      policy: () => POLICY,
      requests: new MemoryAccess(),
      gateway: async () => gateway,
      now: () => late,
      log,
    });
    expect((await call(handler, '/v1/targets', { token: 'dana' })).body).toEqual({ targets: [] });
  });
});

describe('of a target with several logins', () => {
  const text = (rules: string) => `version: 1
identity: { issuer: https://id.example, audience: custody }
targets:
  web-1:
    protocol: ssh
    address: web-1.internal:22
    logins: { deploy: { keyFile: k }, admin: { keyFile: k }, root: { keyFile: k } }
    hostKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIZfBjhLIbwXpcu2yHZtHVzAmzbs1hvB64x4bTLKEdMx"]
rules:
${rules}
`;
  const WORK =
    '  - { name: work, groups: [developers], targets: [web-1], allow: [connect], ssh: { logins: [deploy] } }';
  const ASK = `  - name: ask
    groups: [developers]
    targets: [web-1]
    allow: [connect]
    ssh: { logins: [admin], touch: required }
    approval: { reviewers: { any: [reviewers] }, maxDuration: 4h }`;
  const ssh = { host: 'gateway.example', port: 2222 };
  const listed = async (rules: string, isSpoken = true) => {
    const policy = parseConfig(text(rules), 'c');
    const handler = targetsHandler({
      policy: () => policy,
      requests: new MemoryAccess(),
      gateway: async (protocol) => (protocol === 'ssh' && isSpoken ? ssh : undefined),
      now: () => NOW,
      log,
    });
    const { body } = await call(handler, '/v1/targets', { token: 'dana' });
    return (body as { targets: unknown[] }).targets;
  };

  it('names those that the caller may use, or ask for, and the best that they get', async () => {
    expect(await listed(`${WORK}\n${ASK}`)).toEqual([
      {
        name: 'web-1',
        protocol: 'ssh',
        ...ssh,
        logins: ['deploy', 'admin'],
        connectSeconds: 20,
        access: 'standing',
        ask: [expect.objectContaining({ rule: 'ask' })],
      },
    ]);
    expect(await listed(ASK)).toMatchObject([{ logins: ['admin'], access: 'requestable' }]);
    expect(await listed(WORK.replace(', ssh: { logins: [deploy] }', ''))).toMatchObject([
      { logins: ['deploy', 'admin', 'root'] },
    ]);
  });

  it('is silent where the gateway does not speak its protocol, and to whom no login is open', async () => {
    expect(await listed(WORK, false)).toEqual([]);
    expect(await listed(WORK.replace('developers', 'auditors'))).toEqual([]);
  });
});
