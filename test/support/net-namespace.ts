import { execFileSync, spawn, type ChildProcess } from 'node:child_process';

/** Another machine: a network of its own, with one cable to this one. */
export interface OtherMachine {
  /** Of this machine, on that cable. */
  readonly here: string;
  readonly there: string;
  /** Runs there. */
  run(program: string, args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess;
  /** Pulls the cable: what is in flight stays there, and nobody is told. */
  cut(): void;
  remove(): void;
}

/** Needs to be root, and iproute2. `n`: of its own among those at the same time. */
export function otherMachine(n: number): OtherMachine {
  const name = `custody-${process.pid}-${n}`;
  const [cable, end] = [`cst${n}h${process.pid % 10_000}`, `cst${n}t${process.pid % 10_000}`];
  const [here, there] = [`10.231.${n}.1`, `10.231.${n}.2`];
  const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
  const inside = (...args: string[]): void => ip('-n', name, ...args);
  ip('netns', 'add', name);
  ip('link', 'add', cable, 'type', 'veth', 'peer', 'name', end, 'netns', name);
  ip('addr', 'add', `${here}/24`, 'dev', cable);
  ip('link', 'set', cable, 'up');
  inside('addr', 'add', `${there}/24`, 'dev', end);
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
    remove: () => ip('netns', 'del', name),
  };
}

export function canHaveOtherMachines(): boolean {
  try {
    otherMachine(0).remove();
    return true;
  } catch {
    process.stderr.write('LEFT OUT: tests with another machine, as there are no network namespaces here\n');
    return false;
  }
}
