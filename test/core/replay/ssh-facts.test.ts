import { describe, expect, test } from 'vitest';
import type { StepFacts } from '#core/replay/facts.ts';
import { sshFacts, sshShapeOf } from '#core/replay/ssh/facts.ts';
import type { ShownFile } from '#core/replay/ssh/files/file-step.ts';
import type { SshStep } from '#core/replay/ssh/step.ts';
import type { Shown } from '#core/replay/step.ts';

function shown(text: string): Shown {
  return { text, bytes: Buffer.byteLength(text), cut: false };
}

function of(step: Partial<SshStep>): StepFacts {
  const whole: SshStep = { kind: 'exec', at: 0, took: 0, outcome: 'completed', ...step };
  return sshFacts({ step: whole, toText: () => '', toJson: () => ({}) });
}

const exec = (command: string, more: Partial<SshStep> = {}) => of({ command: shown(command), ...more });

describe('a program', () => {
  test.each<[string, boolean]>([
    ['ls -l /etc', false],
    ['/usr/bin/uptime', false],
    ['cat /etc/passwd', false],
    ['cat x > y', true],
    ['ls; rm x', true],
    ['/tmp/ls', true],
    ['systemctl restart app', true],
    ['env rm x', true],
    ['git-upload-pack /srv/a.git', false],
    ['rsync --server --sender -logDtpre.iLsfxC . /srv/', false],
    ['scp -t /tmp', false],
  ])('%s: a write: %s', (command, isWrite) => {
    expect(exec(command).isWrite).toBe(isWrite);
  });

  test('that the gateway or the target would not run wrote nothing, and is an error', () => {
    expect(exec('rm x', { outcome: 'denied' })).toMatchObject({
      isWrite: false,
      isError: true,
      codes: ['denied'],
    });
    const refusal = { code: 1, message: 'not here' };
    const refused = of({ kind: 'forward', outcome: 'refused', refusal });
    expect(refused).toMatchObject({
      isError: true,
      isWrite: false,
      codes: ['refused 1', 'refused'],
      messages: ['not here'],
    });
  });

  test('what SFTP answers with a number has it as a code', () => {
    const file = {
      by: 'sftp',
      operation: 'remove',
      path: shown('/etc/passwd'),
      error: shown('no'),
      status: 3,
    };
    const refused = of({ kind: 'file', outcome: 'refused', file: file as ShownFile });
    expect(refused).toMatchObject({ isError: true, isWrite: false, codes: ['status 3', 'refused'] });
  });

  test('has its words, its shape as contracts have it, and how it ended', () => {
    const data = { bytes: 9, sample: shown('no such unit') };
    const facts = exec('systemctl restart app', {
      outcome: 'failed',
      program: { exitStatus: 5, errors: data, input: { bytes: 3, sample: shown('y') } },
    });
    expect(facts).toMatchObject({
      ...{ isError: true, text: 'systemctl restart app', values: ['restart', 'app'], codes: ['exit 5'] },
      ...{ messages: ['no such unit', 'y'], bytes: { sent: 3, received: 9 } },
      shape: sshShapeOf('systemctl stop other'),
    });
    const killed = exec('x', {
      outcome: 'failed',
      program: { exitSignal: { name: 'KILL', core: false, message: '' } },
    });
    expect(killed.codes).toEqual(['signal KILL']);
  });

  test('a shell, and what is typed in it, may do anything', () => {
    expect(of({ kind: 'shell' }).isWrite).toBe(true);
    expect(of({ kind: 'command', command: shown('rm x'), exitStatus: 1 })).toMatchObject({
      ...{ isWrite: true, isError: true, codes: ['exit 1'] },
    });
  });
});

describe('a file', () => {
  const file = (more: Partial<ShownFile>, step: Partial<SshStep> = {}) =>
    of({ kind: 'file', file: { by: 'sftp', operation: 'read', path: shown('a'), ...more }, ...step });

  test('is read or written', () => {
    const sha256 = 'e'.repeat(64);
    expect(file({ transferred: 5, sha256, whole: true, resolved: shown('/home/x/a') }).files).toEqual([
      { path: 'a', how: 'read', bytes: 5, sha256 },
      { path: '/home/x/a', how: 'read', bytes: 5, sha256 },
    ]);
    expect(file({ operation: 'write' })).toMatchObject({
      isWrite: true,
      files: [{ path: 'a', how: 'written' }],
    });
    expect(file({ operation: 'rename', newPath: shown('b') }).files).toEqual([
      { path: 'a', how: 'written' },
      { path: 'b', how: 'written' },
    ]);
    expect(file({ operation: 'symlink', newPath: shown('b') }).files).toEqual([
      { path: 'a', how: 'read' },
      { path: 'b', how: 'written' },
    ]);
    expect(file({ by: 'rsync', operation: 'sync', direction: 'download' }).isWrite).toBe(false);
  });

  test('that was denied was not written; a transfer that failed may have left a part', () => {
    expect(file({ operation: 'write' }, { outcome: 'denied' })).toMatchObject({
      isWrite: false,
      isError: true,
    });
    expect(file({ operation: 'write' }, { outcome: 'failed' }).isWrite).toBe(false);
    expect(file({ operation: 'write', transferred: 1 }, { outcome: 'failed' }).isWrite).toBe(true);
  });

  test('of git: a push writes', () => {
    const git = (operation: 'push' | 'fetch') =>
      of({
        kind: 'git',
        git: {
          operation,
          repository: shown('/srv/a.git'),
          refs: [{ name: shown('refs/heads/main'), to: 'f'.repeat(40) }],
        },
      });
    expect(git('push')).toMatchObject({ isWrite: true, files: [{ path: '/srv/a.git', how: 'written' }] });
    expect(git('fetch')).toMatchObject({ isWrite: false, values: ['refs/heads/main', 'f'.repeat(40)] });
  });
});
