import { describe, expect, test } from 'vitest';
import { withConfig } from '#cli/ssh/command.ts';

const KNOWN = ['web-1', 'deploy+web-1'];
const given = (...command: string[]) => withConfig(command, '/h/ssh_config', 'web-1', KNOWN);
const F = ['-F', '/h/ssh_config'];

describe('custody connect web-1 -- ssh …', () => {
  test.each<[string[], string[]]>([
    [[], ['web-1']],
    [['echo hello; exit 3'], ['web-1', 'echo hello; exit 3']],
    [
      ['uname', '-a'],
      ['web-1', 'uname', '-a'],
    ],
    [
      ['-t', 'top'],
      ['-t', 'web-1', 'top'],
    ],
    [
      ['-p', '22', '-tt', 'top', '-b'],
      ['-p', '22', '-tt', 'web-1', 'top', '-b'],
    ],
    [
      ['-oUser=x', '-vvL', '1:a:2', 'id'],
      ['-oUser=x', '-vvL', '1:a:2', 'web-1', 'id'],
    ],
    [
      ['--', 'id'],
      ['--', 'web-1', 'id'],
    ],
    [['-L'], ['-L', 'web-1']],
  ])('puts the host before the command: %j', (args, expected) => {
    expect(given('ssh', ...args)).toEqual(['ssh', ...F, ...expected]);
  });

  test.each([
    [['web-1']],
    [['web-1', 'id']],
    [['-t', 'deploy+web-1', 'id']],
    [['deploy@web-1', 'id']],
    [['ssh://web-1:22', 'id']],
    [['--', 'web-1', 'id']],
  ])('leaves a host that is named: %j', (args) => {
    expect(given('ssh', ...args)).toEqual(['ssh', ...F, ...args]);
  });

  test('keeps to an ssh_config that is given', () => {
    expect(given('ssh', '-F', 'mine', 'id')).toEqual(['ssh', '-F', 'mine', 'web-1', 'id']);
    expect(given('ssh', '-tFmine', 'id')).toEqual(['ssh', '-tFmine', 'web-1', 'id']);
  });

  test('knows sftp and scp, by whatever path, and leaves other programs alone', () => {
    expect(given('sftp')).toEqual(['sftp', ...F, 'web-1']);
    expect(given('sftp', '-b', 'batch')).toEqual(['sftp', ...F, '-b', 'batch', 'web-1']);
    expect(given('sftp', 'web-1:/etc')).toEqual(['sftp', ...F, 'web-1:/etc']);
    expect(given('/usr/bin/scp', 'a', 'web-1:b')).toEqual(['/usr/bin/scp', ...F, 'a', 'web-1:b']);
    expect(given('git', 'clone', 'web-1:r')).toEqual(['git', 'clone', 'web-1:r']);
  });
});
