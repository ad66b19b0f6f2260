import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SshStep } from '#core/replay/ssh/step.ts';
import { hasClient } from '#test/support/clients.ts';
import { type Capture, readerOf, Stand, stepsOf } from './captured.ts';

let stand: Stand;
let bare: string;
let work: string;
beforeAll(() => {
  stand = new Stand();
  [bare, work] = [join(stand.remote, "it's!.git"), join(stand.local, 'work')];
  git('init', '-q', '--bare', '-b', 'main', bare);
  git('init', '-q', '-b', 'main', work);
  for (const [key, value] of [
    ['uploadpack.allowFilter', 'true'],
    ['receive.advertisePushOptions', 'true'],
  ])
    git('-C', bare, 'config', key!, value!);
  writeFileSync(
    join(bare, 'hooks/update'),
    '#!/bin/sh\ncase "$1" in *forbidden*) echo never; exit 1;; esac\n',
    { mode: 0o755 },
  );
  for (let at = 0; at < 5; at += 1) commit();
  git('-C', work, 'remote', 'add', 'origin', `host:${bare}`);
});
afterAll(() => stand.end());

function git(...args: string[]): string {
  const as = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main'];
  return execFileSync('git', [...as, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}
function commit(): string {
  writeFileSync(join(work, 'file'), randomBytes(60_000));
  git('-C', work, 'add', 'file');
  git('-C', work, 'commit', '-q', '-m', 'one');
  return git('-C', work, 'rev-parse', 'HEAD');
}
const over = (...args: string[]): Promise<Capture> =>
  stand.run('git', args, { env: { GIT_SSH_COMMAND: stand.ssh, GIT_SSH_VARIANT: 'ssh' } });

/** The one step that there is. */
function stepOf(capture: Capture, cut?: number): SshStep {
  const steps = stepsOf(capture, cut);
  expect(steps.map(({ kind }) => kind)).toEqual(['git']);
  return steps[0]!;
}
const refsOf = ({ git: told }: SshStep) =>
  told!.refs.map(({ name, from, to, change, status }) => ({
    name: name?.text,
    from,
    to,
    change,
    status: status?.text,
  }));

test.each([1 << 20, 1000, 1])(
  'a push: what was created, updated, deleted and refused (pieces of %i)',
  async (cut) => {
    git('-C', work, 'tag', '-f', `v${cut}`);
    const [none, head] = ['0'.repeat(40), git('-C', work, 'rev-parse', 'HEAD')];
    const first = await over(
      '-C',
      work,
      'push',
      '-o',
      'ci.skip',
      'origin',
      `main:m${cut}`,
      `v${cut}`,
      `main:forbidden${cut}`,
    );
    const step = stepOf(first, cut);
    expect(step).toMatchObject({
      outcome: 'failed',
      git: { operation: 'push', repository: { text: bare }, version: 0, options: [{ text: 'ci.skip' }] },
    });
    const created = { from: none, to: head, change: 'create' };
    expect(refsOf(step)).toEqual(
      expect.arrayContaining([
        { name: `refs/heads/m${cut}`, ...created, status: 'ok' },
        { name: `refs/tags/v${cut}`, ...created, status: 'ok' },
        { name: `refs/heads/forbidden${cut}`, ...created, status: 'hook declined' },
      ]),
    );
    const next = commit();
    const second = stepOf(await over('-C', work, 'push', 'origin', `main:m${cut}`, `:v${cut}`), cut);
    expect(second).toMatchObject({
      outcome: 'completed',
      git: { pack: { objects: 3, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string } },
    });
    expect(refsOf(second)).toEqual(
      expect.arrayContaining([
        { name: `refs/heads/m${cut}`, from: head, to: next, change: 'update', status: 'ok' },
        { name: `refs/tags/v${cut}`, from: head, to: none, change: 'delete', status: 'ok' },
      ]),
    );
    const at = git('-C', bare, 'for-each-ref', '--format=%(objectname) %(refname)').split('\n');
    expect(at).toContain(`${next} refs/heads/m${cut}`);
  },
);

test.each([0, 1, 2] as const)(
  'a fetch by version %i: the refs that the target has, and the pack',
  async (version) => {
    const into = join(stand.local, `clone${version}`);
    const capture = await over(
      '-c',
      `protocol.version=${version}`,
      'clone',
      '-q',
      '--bare',
      `host:${bare}`,
      into,
    );
    const step = stepOf(capture, 999);
    expect(step).toMatchObject({ outcome: 'completed', git: { operation: 'fetch', version } });
    const there = git('-C', bare, 'for-each-ref', '--format=%(objectname) %(refname)').split('\n');
    expect(there.length).toBeGreaterThan(2);
    const wanted = refsOf(step).map(({ name, to }) => `${to} ${name}`);
    expect(wanted).toEqual(expect.arrayContaining(there));
    expect(step.git!.pack!.objects).toBe(
      Number(git('-C', into, 'count-objects', '-v').match(/in-pack: (\d+)/)![1]),
    );
    const again = stepOf(
      await over('-c', `protocol.version=${version}`, '-C', into, 'fetch', '-q', 'origin'),
    );
    expect(again).toMatchObject({ outcome: 'completed', git: { refs: [] } });
    expect(again.git!.pack).toBeUndefined();
  },
);

test.each([0, 2])('shallow and partial fetches (version %i)', async (version) => {
  const into = join(stand.local, `shallow${version}`);
  const args = [
    'clone',
    '-q',
    '--bare',
    '--no-single-branch',
    '--depth',
    '2',
    '--filter=blob:none',
    `host:${bare}`,
    into,
  ];
  const step = stepOf(await over('-c', `protocol.version=${version}`, ...args));
  expect(step).toMatchObject({
    outcome: 'completed',
    git: { shallow: ['deepen 2'], filter: { text: 'blob:none' } },
  });
});

test('an archive, a repository that is not there, and one without anything', async () => {
  const archive = stepOf(await over('archive', '--format=tar', `--remote=host:${bare}`, 'refs/heads/m1'));
  expect(archive).toMatchObject({ outcome: 'completed', git: { operation: 'archive' } });
  expect(archive.git!.options!.map(({ text }) => text)).toContain('refs/heads/m1');
  const none = stepsOf(await over('ls-remote', `host:${join(stand.remote, 'none')}`));
  expect(none).toMatchObject([{ kind: 'git', git: { operation: 'fetch', advertised: 0, refs: [] } }]);
  mkdirSync(join(stand.remote, 'empty'));
  git('init', '-q', '--bare', join(stand.remote, 'empty'));
  expect(stepOf(await over('ls-remote', `host:${join(stand.remote, 'empty')}`)).git).toMatchObject({
    advertised: 0,
  });
});

test.skipIf(!hasClient('rsync')).each([[[]], [['-s']]])(
  'rsync %j: the direction and the paths, as the command line has them',
  async (more) => {
    writeFileSync(join(stand.local, 'a b'), 'x');
    const rsync = (...args: string[]) => stand.run('rsync', ['-a', ...more, '-e', stand.ssh, ...args]);
    expect(stepsOf(await rsync('a b', 'host:c d'))).toMatchObject([
      { kind: 'file', file: { by: 'rsync', direction: 'upload', path: { text: 'c d' } } },
    ]);
    expect(stepsOf(await rsync('host:c d', ':work.none', 'down'))).toMatchObject([
      { kind: 'file', file: { direction: 'download', path: { text: 'c d' } } },
      { kind: 'file', file: { path: { text: 'work.none' } } },
    ]);
  },
);

test.each([
  ['git-upload-pack'],
  ['git-upload-pack x; id'],
  ["git-shell -c 'git-upload-pack x'"],
  ['upload-pack x'],
  ['git status'],
  ['rsync x host:y'],
])('%s is read by nobody', (command) => expect(readerOf({ kind: 'exec', command })).toBeUndefined());
