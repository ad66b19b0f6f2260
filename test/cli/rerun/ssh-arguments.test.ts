import { expect, it } from 'vitest';
import { argumentsOf } from '#cli/rerun/ssh/rerunner.ts';
import type { Program } from '#core/replay/rerun/ssh/programs.ts';

const program = (what: string, env: Program['env'] = []): Program =>
  ({ start: 'exec', what: Buffer.from(what), env }) as unknown as Program;

it('security case 8: a recorded command is never the host, nor an option, of the client that runs it again', () => {
  for (const what of ['web-copy', 'ssh://x@web-copy:1/', '-oProxyCommand=id', '--'])
    expect(argumentsOf(program(what), 'web-copy').slice(-3)).toEqual(['--', 'web-copy', what]);
});

it('security case 19: a recorded variable is one, whatever signs its value has', () => {
  const args = argumentsOf(program('x', [['A', 'b" C="d\\']]), 'web-copy');
  expect(args).toContain(String.raw`SetEnv="A=b\" C=\"d\\"`);
});
