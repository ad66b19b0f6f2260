import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** What a command of the AWS CLI came to. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * A command of the AWS CLI. `input` is on its standard input, for `file:///dev/stdin`: what is secret is never an argument, which
 * every process of the machine may read.
 */
export type Aws = (args: readonly string[], input?: string) => Promise<Said>;

export interface AwsPlace {
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
}

/** Each is a process of its own that takes half a second to start. */
const AT_ONCE = 6;
/** The shell's word for a program that is not there. */
const NOT_THERE = 127;

/** The AWS CLI knows the account as the CDK does, whatever way people log in. What it says is held in memory alone. */
export function awsCli(env: NodeJS.ProcessEnv, { region, profile }: AwsPlace = {}): Aws {
  const place = [
    ...(region === undefined ? [] : ['--region', region]),
    ...(profile === undefined ? [] : ['--profile', profile]),
  ];
  const inTurn = atMost(AT_ONCE);
  return (args, input) => inTurn(() => run([...args, ...place, '--output', 'json'], env, input));
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<Said> {
  // A pipe of the shell's own: what Node gives a child is a socket, which cannot be opened by the name /dev/stdin.
  const [program, ...all] =
    input === '' ? ['aws', ...args] : ['sh', '-c', 'cat | exec aws "$@"', 'aws', ...args];
  const child = spawn(program, all, { env: { ...env, AWS_PAGER: '' }, stdio: 'pipe' });
  const failed = new Promise<number>((done) => child.once('error', () => done(NOT_THERE)));
  const ended = new Promise<number>((done) => child.once('close', (code) => done(code ?? 1)));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await Promise.race([failed, ended]);
  if (code === NOT_THERE)
    return { code, stdout: '', stderr: 'the AWS CLI (aws) is not on the path: install it, version 2' };
  const [stdout, stderr] = await said;
  return { code, stdout, stderr };
}

/** Runs so many at once; the others wait their turn. */
function atMost(count: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= count) await new Promise<void>((go) => waiting.push(go));
    else running += 1;
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
