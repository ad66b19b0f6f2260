import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';

/** Another machine: a network of its own, with one cable to this one. */
export interface OtherMachine {
  /** Of this machine, on that cable. */
  readonly here: string;
  readonly there: string;
  /** Runs there. */
  run(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  /** Pulls the cable: what is in flight stays there, and nobody is told. */
  cut(): void;
  /** With whatever still runs there: what outlived its test would hold the output of the run open for ever. */
  remove(): void;
}

/** Needs to be root, and iproute2. */
export function otherMachine(): OtherMachine {
  // Another run of the tests on this machine has other machines too.
  const own = randomBytes(5).toString('hex');
  const name = `custody-${own}`;
  const [cable, end] = [`cst${own}h`, `cst${own}t`];
  const [here, there] = addresses();
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
  const inside = (...args: string[]): void => ip('-n', name, ...args);
  ip('netns', 'add', name);
  ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', end, 'netns', name);
  ip('addr', 'add', `${here}/30`, 'dev', cable);
  ip('link', 'set', cable, 'up');
  inside('addr', 'add', `${there}/30`, 'dev', end);
  for (const device of [end, 'lo']) inside('link', 'set', device, 'up');
  return {
    here,
    there,
    run: (program, args, env) =>
      spawn('ip', ['netns', 'exec', name, program, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
        ...(env === undefined ? {} : { env }),
      }),
    // The other end: this machine's own would tell its kernel that there is no way any more.
    cut: () => inside('link', 'set', end, 'down'),
    remove: () => {
      for (const pid of execFileSync('ip', ['netns', 'pids', name], { encoding: 'utf8' }).split('\n')) {
        if (pid !== '') process.kill(Number(pid), 'SIGKILL');
      }
      ip('netns', 'del', name);
    },
  };
}

/** Two ends of one of 32,768 cables, in the range that RFC 2544 keeps for tests. */
function addresses(): [here: string, there: string] {
  const [second, third, fourth] = [18 + randomInt(2), randomInt(256), 4 * randomInt(64)];
  return [`198.${second}.${third}.${fourth + 1}`, `198.${second}.${third}.${fourth + 2}`];
}

export function canHaveOtherMachines(): boolean {
  try {
    otherMachine().remove();
    return true;
  } catch {
    process.stderr.write('LEFT OUT: tests with another machine, as there are no network namespaces here\n');
    return false;
  }
}
