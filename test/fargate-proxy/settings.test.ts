import { describe, expect, it } from 'vitest';
import { childArguments, readSettings } from '#proxy/settings.ts';

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

describe('how many processes there are', () => {
  it('is by the cores, unless the environment or, before it, the command line says so', () => {
    expect(readSettings([], {}, 2).processes).toBe(1);
    expect(readSettings([], {}, 4).processes).toBe(3);
    expect(readSettings([], { CUSTODY_PROCESSES: '2' }, 4).processes).toBe(2);
    expect(readSettings(['--processes', '5'], { CUSTODY_PROCESSES: '2' }, 4).processes).toBe(5);
    expect(() => readSettings(['--processes', '0'])).toThrow('--processes is not a whole number');
  });

  it('is nothing that a child has to find out: its parent says which of them it is', () => {
    const child = { number: 2, of: 3, parent: 77, task: 'f3a1' };
    expect(readSettings(['--processes', '3', ...childArguments(child)]).child).toEqual(child);
    expect(readSettings([])).not.toHaveProperty('child');
  });
});
