/** An agent that acts for Dana, and a deploy job, through a local gateway: as in the README, at the command line and with psql. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { demoToken } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { agentToken } from '#adapters/local/demo-workloads.ts';
import { custody } from '#test/cli/support.ts';
import { reconfigure, type SeenRequest } from '#test/support/access-story.ts';
import { eventually, hasClient, psql } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';
import { lastSession, sessions, verify } from '#test/support/recorded.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const SHOWN = 'agent-7 for dana@example.com';

let local: LocalGateway;
let home: string;
beforeAll(async () => {
  local = await startLocalGateway();
  home = mkdtempSync(join(tmpdir(), 'custody-on-behalf-'));
});
afterAll(async () => {
  await local?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function cli(token: string, ...args: string[]) {
  const env = { CUSTODY_API: local.addresses.api, CUSTODY_HOME: home, CUSTODY_TOKEN: token };
  return custody(args, { env });
}

async function demo(...args: string[]): Promise<string> {
  const { stdout } = await custody(['demo', 'token', ...args, '--data-dir', local.dataDir]);
  return stdout.trim();
}

/** Dana's agent gets its token as an agent does: at the token endpoint, for Dana's token and its own. */
async function exchanged(): Promise<string> {
  const { issuer } = local.addresses;
  const keys = keptKeys(local.dataDir, workloadKeys);
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: EXCHANGE,
      client_id: 'custody-agent',
      subject_token: await demoToken(local.dataDir, 'developer', Date.now()),
      subject_token_type: ID_TOKEN,
      actor_token: await agentToken(keys, `${issuer}/workloads`, issuer, 'agent-7', Date.now()),
      actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

const openOf = (session: string): { principal: object; grant?: object } =>
  JSON.parse(readFileSync(join(local.dataDir, 'store', 'sessions', session, 'open.json'), 'utf8')) as never;

describe.skipIf(!hasClient('psql'))('an agent that acts for Dana', () => {
  const actor = () => ({ issuer: `${local.addresses.issuer}/workloads`, subject: 'agent-7' });

  it('is refused where no rule lets one act, although Dana may', async () => {
    const rule = /^ {2}- name: agents-work.*?(?=^ {2}- name: )/ms;
    let removed = '';
    await reconfigure(local, (text) => text.replace(rule, (found) => ((removed = found), '')));
    expect(removed).toContain('agent-*');
    const refused = await psql(local, 'select 1', { token: await exchanged() });
    expect(refused.stderr).toContain('FATAL:  there is no target "orders-db" that you may connect to');
    expect((await psql(local, 'select 1')).stdout).toBe('1\n');
    await reconfigure(local, (text) =>
      text.replace('  - name: agents-ask', `${removed}  - name: agents-ask`),
    );
  });

  it('works by its rule, and evidence, list, show and play name both', async () => {
    const seen = new Set((await sessions(local)).map(({ id }) => id));
    expect((await psql(local, 'select 6 * 7', { token: await exchanged() })).stdout).toBe('42\n');
    const { id } = await lastSession(local, seen);
    expect(openOf(id).principal).toMatchObject({
      subject: 'dev-1',
      email: 'dana@example.com',
      actors: [actor()],
    });
    expect(await verify(local, id)).toMatchObject({ verdict: 'verified', findings: [] });
    const auditor = await local.token('auditor');
    expect((await cli(auditor, 'sessions')).stdout).toContain(SHOWN);
    expect((await cli(auditor, 'play', id)).stdout).toContain(SHOWN);
  });

  it('asks for what needs an approval; Dana may not approve it, Rui does, and it works', async () => {
    const agent = await demo('dana', '--actor', 'agent-7');
    const early = await psql(local, 'select 1', { token: agent, database: 'orders-prod' });
    expect(early.stderr).toContain('FATAL:  access to "orders-prod" needs an approval');

    const asked = await cli(agent, 'request', 'orders-prod', '--reason', 'order 4711 hangs', '--json');
    const { id } = JSON.parse(asked.stdout) as SeenRequest;
    const rui = await local.token('reviewer');
    expect((await cli(rui, 'requests')).stdout).toContain(SHOWN);
    expect((await cli(rui, 'requests', id)).stdout).toContain(SHOWN);

    for (const own of [await local.token('developer'), agent])
      expect((await cli(own, 'approve', id)).stderr).toContain('you may not decide about this request');
    expect((await cli(rui, 'approve', id)).stdout).toMatch(/^state +granted$/m);

    const seen = new Set((await sessions(local)).map(({ id: one }) => one));
    const work = await psql(local, 'select 40 + 2', { token: agent, database: 'orders-prod' });
    expect(work).toMatchObject({ code: 0, stdout: '42\n' });
    const session = await lastSession(local, seen);
    expect(openOf(session.id)).toMatchObject({
      grant: { rule: 'agents-ask', request: id },
      principal: { actors: [actor()] },
    });
    expect(await verify(local, session.id)).toMatchObject({ verdict: 'verified', findings: [] });

    const dana = await psql(local, 'select 1', { database: 'orders-prod' });
    expect(dana.stderr).toContain('FATAL:  access to "orders-prod" needs an approval');
  });

  it('leaves a ledger that is whole, and says who acted', async () => {
    const audit = await eventually('the ledger to hold it all', async () => {
      const auditor = await local.token('auditor');
      const ran = await cli(auditor, 'audit', local.dataDir, '--key', local.addresses.signer, '--json');
      return /"access-granted":1/.test(ran.stdout) ? ran : undefined;
    });
    expect(audit.code).toBe(0);
    const entries = join(local.dataDir, 'store', 'ledger', 'tile', 'entries');
    const leaves = readdirSync(entries, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
    const acted = leaves.join('').split('{"type":"custody/leaf/1",');
    const kinds = acted.flatMap((leaf) => (leaf.includes('"agent-7"') ? leaf.split('"')[3] : []));
    expect(kinds).toEqual(expect.arrayContaining(['session-opened', 'access-requested']));
  });

  it('breaks no glass, and acts for nobody but Dana', async () => {
    const agent = await exchanged();
    const broken = await cli(agent, 'request', 'orders-prod', '--break-glass', '--reason', 'now');
    expect(broken.code).not.toBe(0);
    expect(await demo('rui', '--actor', 'agent-7')).toBe('');
  });
});

describe.skipIf(!hasClient('psql'))('a deploy job', () => {
  it('works by the rule on its repository and branch', async () => {
    const seen = new Set((await sessions(local)).map(({ id }) => id));
    const token = await demo('--workload', 'deploy');
    expect((await psql(local, 'select 6 * 7', { token })).stdout).toBe('42\n');
    const { id } = await lastSession(local, seen);
    expect(openOf(id).principal).toMatchObject({
      subject: 'repo:acme/shop:ref:refs/heads/main',
      claims: { repository: 'acme/shop', ref: 'refs/heads/main' },
    });
    expect(await verify(local, id)).toMatchObject({ verdict: 'verified', findings: [] });
  });

  it.each<[what: string, args: string[]]>([
    ['another branch', ['--ref', 'refs/heads/main2']],
    ['a branch below it', ['--ref', 'refs/heads/main/x']],
    ['a tag of its name', ['--ref', 'refs/tags/main']],
    ['another repository', ['--repository', 'acme/shop2']],
    ['another case', ['--repository', 'acme/Shop']],
  ])('of %s is refused', async (_, args) => {
    const token = await demo('--workload', 'deploy', ...args);
    const { stderr } = await psql(local, 'select 1', { token });
    expect(stderr).toContain('FATAL:  there is no target "orders-db" that you may connect to');
  });

  it('of a fork of somebody else has no token that is good here', async () => {
    const token = await demo('--workload', 'deploy', '--repository', 'mallory/shop');
    const { stderr, code } = await psql(local, 'select 1', { token });
    expect([code, stderr]).toEqual([2, expect.stringContaining('FATAL:  the token')]);
  });
});
