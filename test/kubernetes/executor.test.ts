/** What `custody run exec` makes calls with, against a real API server. */
import { Writable, type WritableOptions } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kubernetesExecutor } from '#cli/clients/kubernetes-executor.ts';
import type { RunnableCall } from '#cli/kubernetes/call-request.ts';
import type { Executor } from '#core/tasks/exec/executor.ts';
import { KubernetesBed } from './support/bed.ts';

let bed: KubernetesBed;
let executor: Executor;
const written = { stdout: '', stderr: '' };
const into = (name: keyof typeof written) =>
  new Writable({
    write(piece: Buffer, _, done) {
      written[name] += piece.toString();
      done();
    },
  });

beforeAll(async () => {
  bed = await KubernetesBed.start();
  const device = await bed.certificate('ann', ['custody:developers']);
  const place = { server: new URL(bed.url), ca: bed.ca, token: 'not-looked-at', device };
  executor = kubernetesExecutor(place, { stdout: into('stdout'), stderr: into('stderr') });
});
afterAll(async () => {
  await executor?.end();
  await bed?.stop();
});

const run = async (call: object) => {
  written.stdout = '';
  written.stderr = '';
  const done = await executor.run({ call: { namespace: 'dev', ...call } as RunnableCall });
  return { done, ...written };
};

describe('calls of a contract', () => {
  test('make, change and remove an object, in the version that the cluster prefers', async () => {
    const metadata = { name: 'shop' };
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { open: 'yes' } };
    await run({ verb: 'create', resource: 'configmaps', name: 'shop', body });
    await run({ verb: 'patch', resource: 'configmaps', name: 'shop', body: { data: { open: 'no' } } });
    const { stdout } = await run({ verb: 'get', resource: 'configmaps', name: 'shop' });
    expect(JSON.parse(stdout)).toMatchObject({ data: { open: 'no' } });
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { late: 'yes' } };
    await run({
      verb: 'patch',
      resource: 'configmaps',
      name: 'shop',
      body: applied,
      query: { patch: 'apply' },
    });
    await run({ verb: 'delete', resource: 'configmaps', name: 'shop' });
    const { stdout: list } = await run({ verb: 'list', resource: 'deployments.apps' });
    expect(JSON.parse(list)).toMatchObject({ apiVersion: 'apps/v1', kind: 'DeploymentList' });
  });

  test('run a command, whose streams and exit code they give', async () => {
    const command = ['sh', '-c', 'echo out; echo err >&2; exit 7'];
    const exec = { verb: 'create', resource: 'pods/exec', name: 'web-0', query: { container: 'main' } };
    expect(await run({ ...exec, command })).toEqual({
      done: { exitCode: 7 },
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await run({ ...exec, command: ['true'] })).done).toEqual({ exitCode: 0 });
    const long = await run({ ...exec, command: ['seq', '1', '100000'] });
    expect(long.stdout.endsWith('99999\n100000\n')).toBe(true);
    expect(long.stdout).toHaveLength(588_895);
  });

  test('security case 18: what comes of them is no command to a terminal', async () => {
    let shown = '';
    const write: WritableOptions['write'] = (piece: Buffer, _, done) => {
      shown += piece.toString();
      done();
    };
    const terminal = Object.assign(new Writable({ write }), { isTTY: true });
    const device = await bed.certificate('ann', ['custody:developers']);
    const place = { server: new URL(bed.url), ca: bed.ca, token: 'not-looked-at', device };
    const there = kubernetesExecutor(place, { stdout: terminal, stderr: terminal });
    const call = {
      verb: 'create',
      resource: 'pods/exec',
      namespace: 'dev',
      name: 'web-0',
      command: ['printf', '\\033[2Jé\\n'],
      query: { container: 'main' },
    };
    expect(await there.run({ call: call as RunnableCall })).toEqual({ exitCode: 0 });
    await there.end();
    expect(shown).not.toContain('\u001B');
    expect(shown).toContain('é\n');
  });

  test('fail in the words of the cluster', async () => {
    await expect(run({ verb: 'get', resource: 'pods', name: 'none' })).rejects.toThrow(
      'pods "none" not found',
    );
    const secrets = run({ verb: 'list', resource: 'secrets', namespace: 'prod' });
    await expect(secrets).rejects.toThrow('secrets is forbidden');
    const exec = { verb: 'create', resource: 'pods/exec', command: ['true'], query: { container: 'main' } };
    await expect(run({ ...exec, name: 'none' })).rejects.toThrow('not found');
    await expect(run({ ...exec, name: 'web-0', command: ['no-such-program'] })).rejects.toThrow(
      /no-such-program|not found/,
    );
  });
});
