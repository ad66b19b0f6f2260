/** The job of docs/orchestrators, step by step as GitHub's runner does it: bash -e, files for variables, a token from an address. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { demoIssuer } from '#adapters/local/demo-issuer.ts';
import { keptKeys, workloadKeys } from '#adapters/local/demo-keys.ts';
import {
  demoWorkloads,
  jobRequestToken,
  jobRequestUrl,
  workloadsIssuer,
} from '#adapters/local/demo-workloads.ts';
import { hasClient, type Ran, startClient } from '#test/support/clients.ts';
import { type LocalGateway, startLocalGateway } from '#test/support/local-gateway.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FILE = fileURLToPath(new URL('../../docs/orchestrators/github-actions/refunds.yml', import.meta.url));

interface Step {
  readonly name?: string;
  readonly run?: string;
}

interface WorkflowFile {
  readonly permissions: unknown;
  readonly jobs: { readonly refunds: { readonly steps: readonly Step[] } };
}

const workflow = parse(readFileSync(FILE, 'utf8')) as WorkflowFile;
const steps = workflow.jobs.refunds.steps.filter(({ name }) => name !== undefined);

describe.runIf(hasClient('jq') && hasClient('psql'))('a job of GitHub Actions', () => {
  let local: LocalGateway;
  let folder: string;
  beforeAll(async () => {
    local = await startLocalGateway();
    folder = mkdtempSync(join(tmpdir(), 'custody-job-'));
  });
  afterAll(async () => {
    await local?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A runner's machine: what one step writes into GITHUB_ENV the next ones have. */
  async function job(id: string, ref = 'refs/heads/main') {
    const { issuer: people } = demoIssuer(local.dataDir);
    const issuer = workloadsIssuer(people);
    const of = { ...demoWorkloads.deploy, ref };
    const keys = keptKeys(local.dataDir, workloadKeys);
    const file = join(folder, `${id}.env`);
    const env: Record<string, string | undefined> = {
      PATH: process.env['PATH'],
      HOME: join(folder, id),
      CUSTODY_API: local.addresses.api,
      CUSTODY_HOME: join(folder, id, 'custody'),
      GITHUB_ENV: file,
      GITHUB_REPOSITORY: of.repository,
      GITHUB_RUN_ID: id,
      GITHUB_RUN_ATTEMPT: '1',
      ACTIONS_ID_TOKEN_REQUEST_URL: jobRequestUrl(issuer),
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: await jobRequestToken(keys, issuer, of, Date.now()),
    };
    writeFileSync(file, '');
    return async (script: string): Promise<Ran> => {
      const args = ['-c', `cd '${ROOT}'; exec bash --noprofile --norc -eo pipefail -c "$0"`, script];
      const ran = await startClient('bash', args, env).done;
      for (const [, name, value] of readFileSync(file, 'utf8').matchAll(/^(\w+)=(.*)$/gm))
        env[name!] = value!;
      return ran;
    };
  }

  it('asks for nothing but a token about itself', () => {
    expect(workflow.permissions).toEqual({ 'id-token': 'write', contents: 'read' });
    expect(readFileSync(FILE, 'utf8')).not.toContain('secrets.');
  });

  it('runs the workflow to its end, and starts no second one where it asks again', async () => {
    const run = await job('4711');
    for (const { name, run: script } of steps) {
      const { code, stderr } = await run(script!);
      expect([name, code, stderr]).toEqual([name, 0, stderr]);
    }
    const shown = await run('npx custody run show "$RUN" --json; echo "$RUN $TRACEPARENT" >&2');
    const { id, state, trace, startedBy } = JSON.parse(shown.stdout) as Record<string, unknown>;
    expect(state).toBe('done');
    expect(startedBy).toMatchObject({ subject: 'repo:acme/shop:ref:refs/heads/main' });
    expect(shown.stderr.trim()).toBe(`${String(id)} ${String(trace)}`);

    const again = await job('4711');
    for (const { run: script } of steps.slice(0, 2)) expect((await again(script!)).code).toBe(0);
    expect((await again('echo "$RUN"')).stdout.trim()).toBe(id);
    const late = await again('npx custody run exec "$RUN" find');
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('ran as often as it may')]);
  });

  it('ends at the step that leaves its contract', async () => {
    const run = await job('4712');
    for (const { run: script } of steps.slice(0, 3)) expect((await run(script!)).code).toBe(0);
    const other = 'npx custody run task "$RUN" refund -- psql -X -c "DELETE FROM refunds"\necho next';
    const { code, stdout, stderr } = await run(other);
    expect([code === 0, stdout]).toEqual([false, '']);
    expect(stderr).toContain('the contract has no such command');
    expect(stderr).toContain('stopped before it began (not-in-contract)');
  });

  it('does not begin for another branch', async () => {
    const run = await job('4713', 'refs/heads/other');
    await run(steps[0]!.run!);
    const { code, stderr } = await run(steps[1]!.run!);
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining('no such workflow')]);
  });
});
