import { decodeJwt } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { recordDemoIssuer } from '#adapters/local/demo-issuer.ts';
import { demoKeys, peopleKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import { custody, temporary } from './support.ts';

const ISSUER = 'http://127.0.0.1:7401';

let dataDir: string;
beforeEach(async () => {
  dataDir = temporary();
  await demoKeys(dataDir, peopleKeys);
  await demoKeys(dataDir, workloadKeys);
  recordDemoIssuer(dataDir, { issuer: ISSUER, audience: 'custody' });
});

const demo = (...args: string[]) => custody(['demo', ...args, '--data-dir', dataDir]);

async function tokenOf(...args: string[]) {
  const { stdout, stderr } = await demo('token', ...args);
  expect(stderr).toBe('');
  return decodeJwt(stdout.trim());
}

describe('custody demo token', () => {
  it('takes people by role and by name', async () => {
    expect((await tokenOf('developer')).sub).toBe('dev-1');
    expect((await tokenOf('dana')).sub).toBe('dev-1');
  });

  it('--actor is of the person, and names the agent', async () => {
    expect(await tokenOf('dana', '--actor', 'agent-7')).toMatchObject({
      iss: ISSUER,
      sub: 'dev-1',
      act: { sub: 'agent-7', iss: `${ISSUER}/workloads` },
    });
  });

  it('--actor is refused for a person whose agent it is not', async () => {
    const ran = await demo('token', 'rui', '--actor', 'agent-7');
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('this agent may not act for this person');
  });

  it('--workload is of a job, on main or on another branch, here or in a fork', async () => {
    expect(await tokenOf('--workload', 'deploy')).toMatchObject({
      iss: `${ISSUER}/workloads`,
      aud: 'custody',
      sub: 'repo:acme/shop:ref:refs/heads/main',
    });
    const fork = ['--ref', 'refs/heads/main2', '--repository', 'mallory/shop'];
    expect(await tokenOf('--workload', 'deploy', ...fork)).toMatchObject({
      sub: 'repo:mallory/shop:ref:refs/heads/main2',
      repository_owner: 'mallory',
    });
  });

  it.each([
    [[]],
    [['dana', '--workload', 'deploy']],
    [['--workload', 'deploy', '--actor', 'agent-7']],
    [['--actor', 'agent-7']],
  ])('says what to name: %j', async (args) => {
    const ran = await demo('token', ...args);
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toContain('name either a person, with or without --actor, or --workload');
  });
});

describe('custody demo job', () => {
  it('prints what a job has in its environment', async () => {
    const { stdout } = await demo('job', 'deploy');
    const [url, token] = stdout.trim().split('\n');
    expect(url).toBe(
      `export ACTIONS_ID_TOKEN_REQUEST_URL='${ISSUER}/workloads/actions/token?api-version=2.0'`,
    );
    expect(token).toMatch(/^export ACTIONS_ID_TOKEN_REQUEST_TOKEN='[\w-]+\.[\w-]+\.[\w-]+'$/);
  });
});
