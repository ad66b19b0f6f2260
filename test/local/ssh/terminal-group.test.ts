import { describe, expect, it } from 'vitest';
import { type Machine, withTerminals } from '#local/ssh/terminal-group.ts';

describe('how sshd is started so that it may give terminals', () => {
  const machine: Machine = {
    mounts: 'devpts /dev/pts devpts rw,relatime,mode=600,ptmxmode=000 0 0\n',
    groups: 'root:x:0:\ntty:x:5:\n',
    hasSetpriv: true,
  };
  const owner = { uid: 101, gid: 104 };

  it('is in the group tty where terminals are in no group from the start', () => {
    expect(withTerminals(['sshd', '-D'], owner, machine)).toEqual({
      command: ['/usr/bin/setpriv', '--reuid=101', '--regid=104', '--groups=5', '--', 'sshd', '-D'],
      owner: {},
    });
  });

  it.each<[string, Partial<Machine>, object]>([
    ['terminals have the group already', { mounts: 'devpts /dev/pts devpts rw,gid=5,mode=620 0 0\n' }, owner],
    ['there is no /dev/pts', { mounts: '' }, owner],
    ['there is no such group', { groups: 'root:x:0:\n' }, owner],
    ['there is no setpriv', { hasSetpriv: false }, owner],
    ['nobody else may be chosen', {}, {}],
  ])('is started as it was where %s', (_, other, as) => {
    const { command, owner: started } = withTerminals(['sshd'], as, { ...machine, ...other });
    expect([command, started]).toEqual([['sshd'], as]);
  });
});
