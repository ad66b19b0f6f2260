import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSigner, pem, SESSION } from '#test/support/evidence-builder.ts';
import { custody, environment, type FakeApi, fakeApi, sessionRecord, temporary } from './support.ts';

const ID = '019aaf35-2a80-7b61-8e21-1f6a7c1d2e3f';
const RUI = { issuer: 'https://id.example', subject: 'rui', email: 'rui@example.com' };

function request(more: object = {}) {
  return {
    id: ID,
    state: 'pending',
    digest: 'd'.repeat(64),
    requester: { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' },
    target: 'orders-prod',
    rule: 'developers-ask',
    policy: 'p',
    reason: 'a bug',
    durationSeconds: 3600,
    breakGlass: false,
    createdAt: '2026-11-23T09:00:00.000Z',
    pendingUntil: '2026-11-23T17:00:00.000Z',
    needs: { approvals: 2, any: ['reviewers'] },
    decisions: [],
    needsReview: false,
    mayDecide: false,
    ...more,
  };
}

const AT = { host: '127.0.0.1', port: 7432 };
const ORDERS = { ...AT, name: 'orders-prod', protocol: 'postgres', database: 'orders-prod' };
const WEB = { ...AT, name: 'web-1', protocol: 'ssh', logins: ['deploy'] };

async function gateway(): Promise<{ api: FakeApi; env: Record<string, string> }> {
  const api = await fakeApi(pem(makeSigner()).toString());
  return { api, env: environment(api) };
}

/** What the last POST sent. */
function sent({ requests }: FakeApi) {
  const { path, body, headers } = requests.findLast(({ method }) => method === 'POST')!;
  return { path, body, key: headers['idempotency-key'] };
}

describe('custody request', () => {
  it.each<[args: string[], body: object]>([
    [['--reason', 'a bug'], { reason: 'a bug' }],
    [['--for', '90m', '--ticket', 'OPS-1'], { durationSeconds: 5400, ticket: 'OPS-1' }],
    [['--break-glass', '--reason', 'x'], { breakGlass: true, reason: 'x' }],
    [['--rule', 'other'], { rule: 'other' }],
    [['--run', ID, '--task', 'refund'], { run: ID, task: 'refund' }],
    [['--statement', 'select 1', 'select 2'], { statements: ['select 1', 'select 2'] }],
  ])('%j says that', async (args, body) => {
    const { api, env } = await gateway();
    api.answers.set('POST /v1/requests', request());
    expect(await custody(['request', 'orders-prod', ...args], { env })).toMatchObject({ code: 0 });
    expect(sent(api)).toMatchObject({ path: '/v1/requests', body: { target: 'orders-prod', ...body } });
    expect(sent(api).key).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("takes the commands of a script, as the target's protocol has them, and not from two places", async () => {
    const { api, env } = await gateway();
    api.answers.set('POST /v1/requests', request());
    api.answers.set('/v1/targets', { targets: [ORDERS, WEB] });
    const file = join(temporary(), 'fix.sql');
    writeFileSync(file, "-- a fix\nupdate orders set status = 'a;b' where id = 1;\nselect 1;\n");
    await custody(['request', 'orders-prod', '--file', file, '--idempotency-key', 'k'], { env });
    expect(sent(api)).toMatchObject({
      body: { statements: ["update orders set status = 'a;b' where id = 1;", 'select 1;'] },
      key: 'k',
    });
    await custody(['request', 'web-1', '--file', file], { env });
    expect(sent(api).body).toMatchObject({ statements: [readFileSync(file, 'utf8').trimEnd()] });
    const both = await custody(['request', 'orders-prod', '--file', file, '--statement', 'select 1'], {
      env,
    });
    expect(both).toMatchObject({ code: 1, stderr: expect.stringContaining('not both') as string });
  });

  it.each([
    ['granted', 0],
    ['denied', 3],
    ['withdrawn', 3],
    ['expired', 3],
    ['revoked', 3],
  ])('with --wait, ends with %s as exit code %i', async (state, code) => {
    const { api, env } = await gateway();
    api.answers.set('POST /v1/requests', request());
    api.answers.set(`/v1/requests/${ID}`, request({ state }));
    const ran = await custody(['request', 'orders-prod', '--wait'], { env });
    expect([ran.code, ran.stderr]).toEqual([
      code,
      expect.stringContaining(`request ${ID} waits for reviewers`),
    ]);
  });

  it('with --wait, says by 4 that nobody has decided', async () => {
    const { api, env } = await gateway();
    api.answers.set('POST /v1/requests', request());
    api.answers.set(`/v1/requests/${ID}`, request());
    expect((await custody(['request', 'orders-prod', '--wait', '1s', '--json'], { env })).code).toBe(4);
  });

  it.each([
    ['--for', 'long'],
    ['--wait', '-1'],
  ])('%s %s is a wrong option', async (...args) => {
    const { env } = await gateway();
    expect((await custody(['request', 'orders-prod', ...args], { env })).code).toBe(2);
  });
});

describe('a request of a run', () => {
  const of = { workflow: 'refunds', workflowDigest: 'c'.repeat(64), task: 'refund' };
  const contracts = {
    refund: {
      after: ['find'],
      by: { groups: ['agents'] },
      contract: {
        does: [
          {
            name: 'give',
            statement: 'UPDATE orders SET refunded = true\nWHERE id = $1',
            values: { $1: { from: 'find.returned.id', type: 'integer' } },
          },
        ],
        onDeviation: { ask: { reviewers: { any: ['leads'] } } },
      },
      target: 'orders-prod',
    },
  };
  const deviation = {
    ...{ run: ID, ...of, session: SESSION, kind: 'origin', of: 'give', isAnswer: false },
    command: { sha256: 'e'.repeat(64), text: 'UPDATE orders SET refunded = true\nWHERE id = 9' },
    expected: 'for give.$1 a value from find.returned.id',
    seen: 'another value stands there',
  };

  it('shows the command that waits, the difference and the contract, as custody.yaml has it', async () => {
    const { api, env } = await gateway();
    api.answers.set(`/v1/requests/${ID}`, request({ deviation, contracts }));
    const { stdout } = await custody(['requests', ID], { env });
    for (const line of [
      `workflow +refunds \\(${'c'.repeat(64)}\\)`,
      `run +${ID}`,
      'task +refund',
      `waits +the session ${SESSION}`,
      'deviation +origin, of give',
      'seen +another value stands there',
      'the contract has +for give\\.\\$1 a value from find\\.returned\\.id',
      'it would run +once, in this session alone:',
    ])
      expect(stdout).toMatch(new RegExp(`^${line}$`, 'm'));
    expect(stdout).toContain('    UPDATE orders SET refunded = true\n    WHERE id = 9\n');
    expect(stdout.slice(stdout.indexOf('what the workflow says:'))).toBe(`what the workflow says:
    refund:
      by:
        groups:
          - agents
      target: orders-prod
      after:
        - find
      contract:
        does:
          - name: give
            statement: |-
              UPDATE orders SET refunded = true
              WHERE id = $1
            values:
              $1:
                from: find.returned.id
                type: integer
        onDeviation:
          ask:
            reviewers:
              any:
                - leads
`);
  });

  it('says which sessions a grant is for', async () => {
    const { api, env } = await gateway();
    api.answers.set(`/v1/requests/${ID}`, request({ run: { id: ID, ...of }, contracts }));
    const { stdout } = await custody(['requests', ID], { env });
    expect(stdout).toMatch(/^task +refund$/m);
    expect(stdout).toContain('what the workflow says:');
    const { task: _task, ...any } = of;
    api.answers.set(`/v1/requests/${ID}`, request({ run: { id: ID, ...any } }));
    expect((await custody(['requests', ID], { env })).stdout).toMatch(/^task +any of it$/m);
  });

  it('of an answer says that it has run', async () => {
    const { api, env } = await gateway();
    api.answers.set(`/v1/requests/${ID}`, request({ deviation: { ...deviation, isAnswer: true } }));
    expect((await custody(['requests', ID], { env })).stdout).toMatch(
      /^it has run +and the session would go on after:$/m,
    );
  });

  it('moves nothing on a terminal, whatever a client sent or a file says (security case 18)', async () => {
    const { api, env } = await gateway();
    const evil = '\u001b[2J\u202e\r\u0007';
    const hostile = {
      ...{ ...deviation, expected: evil, seen: evil, of: evil, kind: evil, task: evil },
      command: { sha256: evil, text: `select 1${evil}` },
    };
    const file = { [evil]: { contract: { does: [{ name: evil, statement: evil }] } } };
    api.answers.set(`/v1/requests/${ID}`, request({ deviation: hostile, contracts: file }));
    api.answers.set('/v1/requests', { requests: [request({ deviation: hostile })] });
    for (const args of [['requests', ID], ['requests']]) {
      const { stdout } = await custody(args, { env });
      expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      expect(stdout).toContain('\\x1b[2J');
    }
  });

  it('in a list says what was seen', async () => {
    const { api, env } = await gateway();
    const { reason: _reason, ...asked } = request({ deviation });
    api.answers.set('/v1/requests', { requests: [asked] });
    expect((await custody(['requests'], { env })).stdout).toMatch(
      /  outside its contract: another value stands there$/m,
    );
  });
});

describe('a request of an agent', () => {
  const acted = (actor: string) => ({
    requester: {
      issuer: 'https://id.example',
      subject: 'dev-1',
      email: 'dana@example.com',
      actors: [{ issuer: 'https://ci.example', subject: actor }],
    },
  });

  it('says who acts, for whom, and by whose word', async () => {
    const { api, env } = await gateway();
    api.answers.set(`/v1/requests/${ID}`, request(acted('agent-7')));
    const { stdout } = await custody(['requests', ID], { env });
    expect(stdout).toMatch(/^who +agent-7 for dana@example\.com$/m);
    expect(stdout).toMatch(/^actor +agent-7 at https:\/\/ci\.example$/m);
    expect(stdout).toMatch(/^acts for +dev-1 at https:\/\/id\.example$/m);
    api.answers.set('/v1/requests', { requests: [request(acted('agent-7'))] });
    expect((await custody(['requests'], { env })).stdout).toContain(
      '  agent-7 for dana@example.com  orders-prod',
    );
  });

  it('shows no name that could be two, or that a terminal would take for more (security case 18)', async () => {
    const { api, env } = await gateway();
    api.answers.set(`/v1/requests/${ID}`, request(acted('rui for eve\u001b[2J\u202e\nstate  granted')));
    const { stdout } = await custody(['requests', ID], { env });
    for (const unseen of ['\u001b', '\u202e', '\nstate  granted']) expect(stdout).not.toContain(unseen);
    expect(stdout).toMatch(/^who +"rui for eve/m);
  });
});

describe('custody requests', () => {
  it('is a table, and one line of JSON', async () => {
    const { api, env } = await gateway();
    const broken = request({ breakGlass: true, state: 'granted', needsReview: true, reason: undefined });
    api.answers.set('/v1/requests', { requests: [request(), broken] });
    const filter = ['--open', '--state', 'pending', '--target', 'a&b', '--run', ID];
    const { stdout } = await custody(['requests', ...filter], { env });
    expect(stdout).toBe(
      [
        'REQUEST                               ASKED                 WHO               TARGET       FOR  STATE                    REASON',
        `${ID}  2026-11-23T09:00:00Z  dana@example.com  orders-prod  1h   pending                  a bug`,
        `${ID}  2026-11-23T09:00:00Z  dana@example.com  orders-prod  1h   granted, to be reviewed`,
        '',
      ].join('\n'),
    );
    expect(api.requests.at(-1)!.path).toBe(
      `/v1/requests?limit=20&target=a%26b&run=${ID}&state=pending&open=true`,
    );
    const json = await custody(['requests', '--json'], { env });
    expect((JSON.parse(json.stdout) as { requests: object[] }).requests).toHaveLength(2);
  });

  it('shows one with all that reviewers decide about, as text (security case 18)', async () => {
    const { api, env } = await gateway();
    const statements = [{ sha256: 'a', text: 'update orders\n  set x = 1 \u001b[2J' }];
    const decisions = [{ decision: 'approved', by: RUI, at: 'x', comment: 'fine' }];
    api.answers.set(`/v1/requests/${ID}`, request({ statements, decisions, reason: 'a \u202ebug' }));
    const { stdout } = await custody(['requests', ID], { env });
    expect(stdout).toMatch(/^needs +2 approvals of reviewers, until 2026-11-23T17:00:00\.000Z$/m);
    expect(stdout).toMatch(/^decisions +approved by rui@example\.com \(fine\)$/m);
    expect(stdout).toMatch(/^commands +1, and no others:\n {4}update orders\n {6}set x = 1 /m);
    expect(stdout).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
  });

  it.each(['not-an-id', '../sessions', ID.toUpperCase()])('%s is no request', async (id) => {
    const { api, env } = await gateway();
    for (const args of [
      ['requests', id],
      ['approve', id],
      ['revoke', id],
      ['return', id],
    ]) {
      expect((await custody(args, { env })).code).toBe(1);
    }
    expect(api.requests.every(({ path }) => path === '/v1/signer')).toBe(true);
  });
});

describe('what reviewers and requesters do', () => {
  it.each<[args: string[], path: string, body: object]>([
    [['approve', ID], `/v1/requests/${ID}/decisions`, { decision: 'approved' }],
    [['deny', ID, '--comment', 'no'], `/v1/requests/${ID}/decisions`, { decision: 'denied', comment: 'no' }],
    [['revoke', ID, '--comment', 'enough'], `/v1/grants/${ID}/revocation`, { comment: 'enough' }],
    [['return', ID], `/v1/requests/${ID}/return`, {}],
    [['review', ID, '--verdict', 'justified'], `/v1/requests/${ID}/review`, { verdict: 'justified' }],
  ])('%j', async (args, path, body) => {
    const { api, env } = await gateway();
    api.answers.set(`POST ${path}`, request({ state: 'granted' }));
    expect(await custody(args, { env })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^state +granted$/m) as string,
    });
    expect(sent(api)).toMatchObject({ path, body });
    expect(JSON.parse((await custody([...args, '--json'], { env })).stdout)).toMatchObject({ id: ID });
  });

  it('is refused in the API’s own words', async () => {
    const { env } = await gateway();
    expect(await custody(['approve', ID], { env })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('custody: there is no such thing\nhint: look again\n') as string,
    });
  });

  it('terminate asks, and waits where it is told to', async () => {
    const { api, env } = await gateway();
    const asked = { session: SESSION, by: RUI, at: 'now', reason: 'runaway' };
    api.answers.set(`POST /v1/sessions/${SESSION}/termination`, asked);
    api.answers.set(`/v1/sessions/${SESSION}`, sessionRecord());
    const args = ['terminate', SESSION, '--reason', 'runaway'];
    expect((await custody(args, { env })).stdout).toBe(`${SESSION}: it ends within 5 s\n`);
    expect(sent(api).body).toEqual({ reason: 'runaway' });
    expect(await custody([...args, '--wait'], { env })).toMatchObject({
      code: 0,
      stdout: `${SESSION}: ended, client-closed\n`,
    });
    api.answers.set(`/v1/sessions/${SESSION}`, { ...sessionRecord(), state: 'open', outcome: undefined });
    expect((await custody([...args, '--wait', '1s'], { env })).code).toBe(4);
  });
});

describe('custody targets', () => {
  it('says whether one may connect', async () => {
    const { api, env } = await gateway();
    const target = { protocol: 'postgres', host: 'localhost', port: 7432 };
    const ask = {
      rule: 'r',
      maxDurationSeconds: 60,
      approvals: 1,
      reason: 'required',
      ticket: 'optional',
      statements: 'any',
    };
    api.answers.set('/v1/targets', {
      targets: [
        { ...target, name: 'a', database: 'a', access: 'standing', ask: [] },
        {
          ...target,
          name: 'b',
          database: 'b',
          access: 'granted',
          until: '2026-11-23T10:00:00.000Z',
          ask: [],
        },
        { ...target, name: 'c', database: 'c', access: 'requestable', ask: [{ ...ask, breakGlass: false }] },
        { ...target, name: 'd', database: 'd', access: 'requestable', ask: [{ ...ask, breakGlass: true }] },
        { ...target, name: 'e', database: 'e', access: 'standing', ask: [], sandbox: {} },
        {
          ...target,
          name: 'f',
          database: 'f',
          access: 'standing',
          ask: [],
          sandbox: { from: 'a', at: 'now' },
        },
      ],
    });
    const { stdout } = await custody(['targets'], { env });
    const access = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/).at(-1));
    expect(access).toEqual([
      'ACCESS',
      'yes',
      'until 2026-11-23T10:00:00.000Z',
      'ask for it',
      'in an emergency',
      'yes (sandbox)',
      'yes (sandbox made of a)',
    ]);
  });
});

describe('custody connect and env', () => {
  it('tell the gateway why, in libpq’s options, which a client splits as it does', async () => {
    const { api, env } = await gateway();
    const name = {
      name: 'orders-prod',
      database: 'orders-prod',
      protocol: 'postgres',
      host: 'localhost',
      port: 7432,
    };
    api.answers.set('/v1/targets', { targets: [{ ...name, access: 'requestable', ask: [] }] });
    const reason = ['--reason', String.raw`a bug \ more`, '--ticket', 'OPS-1'];
    const withOptions = { ...env, PGOPTIONS: '-c work_mem=1MB' };
    const shown = await custody(['env', 'orders-prod', ...reason, '--json'], { env: withOptions });
    const options = String.raw`-c work_mem=1MB -c custody.reason=a\ bug\ \\\ more -c custody.ticket=OPS-1`;
    expect((JSON.parse(shown.stdout) as { PGOPTIONS: string }).PGOPTIONS).toBe(options);
    const ran = await custody(
      ['connect', ...reason, 'orders-prod', '--', 'sh', '-c', 'printf "%s\\n" "$PGOPTIONS"'],
      {
        env: withOptions,
      },
    );
    expect(ran.stdout).toBe(`${options}\n`);
    expect((await custody(['env', 'orders-prod', '--json'], { env: withOptions })).stdout).not.toContain(
      'PGOPTIONS',
    );
  });
});
