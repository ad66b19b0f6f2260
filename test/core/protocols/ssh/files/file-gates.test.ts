import { expect, test } from 'vitest';
import { leads } from '#core/access/patterns.ts';
import type { ChannelStart } from '#core/protocols/ssh/channels/gate.ts';
import { type FileGatesOptions, fileGates } from '#core/protocols/ssh/files/file-gates.ts';

const SFTP: ChannelStart = { kind: 'subsystem', name: 'sftp' };
const exec = (command: string): ChannelStart => ({ kind: 'exec', command });

function becomes(start: ChannelStart, options: Partial<FileGatesOptions>, pty = false): string {
  const gates = fileGates({ files: undefined, recording: 'full', random: () => 1, ...options });
  const verdict = gates(start, { pty });
  if (verdict === undefined) return 'passes';
  return 'gate' in verdict ? 'gate' : 'refused';
}

test.each([
  ['sftp', SFTP, 'gate'],
  ['the shell', { kind: 'shell' } as const, 'refused'],
  ['a command', exec('cat /etc/shadow'), 'refused'],
  ['another subsystem', { kind: 'subsystem', name: 'netconf' } as const, 'refused'],
  ['the server of sftp as a command', exec('/usr/lib/openssh/sftp-server'), 'refused'],
  ['scp', exec('scp -t /srv/x'), 'refused'],
  ['rsync', exec('rsync --server . /srv'), 'refused'],
  ['git', exec("git-upload-pack '/srv/x'"), 'refused'],
])('security case 4: under a rule with files, %s: %s → %s', (_, start, expected) => {
  expect(becomes(start, { files: { upload: ['/srv/**'] } })).toBe(expected);
});

test('besides lets the shell or commands pass, and scp by its old protocol no more than without', () => {
  const files = { download: ['/srv/**'] };
  expect(becomes({ kind: 'shell' }, { files: { ...files, besides: ['shell'] } })).toBe('passes');
  expect(becomes(exec('ls'), { files: { ...files, besides: ['shell'] } })).toBe('refused');
  expect(becomes(exec('ls'), { files: { ...files, besides: ['exec'] } })).toBe('passes');
  expect(becomes(exec('scp -f /srv/x'), { files: { ...files, besides: ['exec'] } })).toBe('refused');
});

test.each([
  ['where every path may be read', { upload: [] }, 'scp -f /srv/x', 'gate'],
  ['where none may be written', { upload: [] }, 'scp -t /srv/x', 'refused'],
  [
    'where some may be read, which a link could lead out of',
    { download: ['/srv/**'] },
    'scp -f /srv/x',
    'refused',
  ],
  ['the other direction of that rule', { download: ['/srv/**'] }, 'scp -t /srv/x', 'gate'],
  ['with a second command', {}, 'scp -t /srv/x; id', 'refused'],
  ['with a substitution', {}, 'scp -t $(id)', 'refused'],
  ['with a program of its own', {}, 'scp -S /tmp/x -f a', 'refused'],
  ['with what may become an option', {}, 'scp -f *', 'refused'],
  ['of another place', {}, '/tmp/scp -f a', 'refused'],
  ['a quoted name', {}, "'scp' -f a", 'gate'],
  ['a variable before it', {}, 'LD_PRELOAD=/tmp/x scp -f a', 'refused'],
])('security case 4: scp by its old protocol, %s', (_, files, command, expected) => {
  expect(becomes(exec(command), { files })).toBe(expected);
});

test('digests look at sftp and scp, and let no scp pass whose contents they would not see', () => {
  expect(becomes(SFTP, { recording: 'digest' })).toBe('gate');
  expect(becomes(exec('/usr/bin/scp -v -f x'), { recording: 'digest' })).toBe('gate');
  expect(becomes(exec('/usr/bin/scp -v -f x'), { recording: 'digest' }, true)).toBe('refused');
  expect(becomes(exec('scp -f $HOME/x'), { recording: 'digest' })).toBe('refused');
  expect(becomes(exec('ls'), { recording: 'digest' })).toBe('passes');
});

test('without a rule and without digests everything passes as it is', () => {
  expect(becomes(SFTP, {})).toBe('passes');
  expect(becomes(exec('scp -t x'), {})).toBe('passes');
});

test('sftp does not go through a terminal', () => {
  expect(becomes(SFTP, { files: {} }, true)).toBe('refused');
});

test.each([
  ['/srv/app/**', '/', true],
  ['/srv/app/**', '/srv/', true],
  ['/srv/app/**', '/srv/app/', true],
  ['/srv/app/**', '/srv/app/x/', true],
  ['/srv/app/**', '/srv/ap/', false],
  ['/srv/*/log', '/srv/x/', true],
  ['/srv/*/log', '/srv/x/y/', false],
  ['**', '/anything/', true],
])('%s leads on from %s: %s', (pattern, beginning, expected) => {
  expect(leads(pattern, beginning)).toBe(expected);
});
