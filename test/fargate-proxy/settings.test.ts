import { describe, expect, it } from 'vitest';
import { readSettings } from '#proxy/settings.ts';

describe('where SSH is spoken', () => {
  it('is nowhere unless somebody says so', () => {
    expect(readSettings([])).not.toHaveProperty('sshPort');
  });

  it('is what the command line says, or else what the stack says in the environment', () => {
    const environment = { CUSTODY_SSH_PORT: '2222' };
    expect(readSettings([], environment).sshPort).toBe(2222);
    expect(readSettings(['--ssh-port', '2200'], environment).sshPort).toBe(2200);
  });

  it.each([
    ['the command line', ['--ssh-port', 'ssh'], {}, '--ssh-port is not a whole number'],
    ['the environment', [], { CUSTODY_SSH_PORT: '22.5' }, 'CUSTODY_SSH_PORT is not a whole number'],
    ['the environment, empty', [], { CUSTODY_SSH_PORT: '' }, 'CUSTODY_SSH_PORT is not a whole number'],
    ['the environment, none', [], { CUSTODY_SSH_PORT: '0' }, 'CUSTODY_SSH_PORT is not a whole number'],
    ['the command line, too large', ['--ssh-port', '65536'], {}, '--ssh-port is not a port'],
  ])('has to be a port, whoever says it: %s', (_where, args, environment, words) => {
    expect(() => readSettings(args, environment)).toThrow(words);
  });
});
