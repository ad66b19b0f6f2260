import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Aws, awsCli } from '#cli/aws/aws-cli.ts';
import { REGION } from './moto.ts';

/** The AWS CLI, at an emulator. */
export interface AwsCli {
  /** On the path. */
  readonly folder: string;
  /** For a process: `aws` on its path is the AWS CLI, at the emulator. */
  readonly environment: Readonly<Record<string, string>>;
  readonly aws: Aws;
  /** A command whose answer is JSON. Throws what the CLI said where it fails. */
  made<T>(...args: readonly string[]): Promise<T>;
  stop(): Promise<void>;
}

const HERE = dirname(fileURLToPath(import.meta.url));

/** The Python that has the AWS CLI: of `CUSTODY_AWS_CLI`, its folder, else that on the path. */
function python(): string {
  const { CUSTODY_AWS_CLI: folder } = process.env;
  const program = folder === undefined ? 'python3' : join(folder, 'python3');
  return execFileSync(program, ['-c', 'import awscli, sys; print(sys.executable)'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();
}

/** Whether the AWS CLI is on this machine (pip install awscli); where clients are required it has to be. */
export function hasAwsCli(): boolean {
  try {
    python();
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write('LEFT OUT: tests that need the AWS CLI (pip install awscli==1.46.3)\n');
    return false;
  }
}

/** `environment`: of the emulator. */
export async function startAwsCli(environment: Readonly<Record<string, string>>): Promise<AwsCli> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-aws-'));
  const socket = join(folder, 'socket');
  // What the emulator does not know, it does not know the next time either.
  const env = { ...environment, AWS_DEFAULT_REGION: REGION, AWS_MAX_ATTEMPTS: '1', HOME: folder };
  const server = spawn(python(), [join(HERE, 'aws-cli.py'), socket], {
    env: { ...env, PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((ready, failed) => {
    server.stdout.once('data', ready);
    server.once('exit', () => failed(new Error('the AWS CLI ended as soon as it was started')));
  });
  const program = join(folder, 'aws');
  writeFileSync(program, `#!/bin/sh\nexec ${python()} -S -E ${join(HERE, 'aws-program.py')} "$@"\n`);
  chmodSync(program, 0o755);
  const all = { ...env, CUSTODY_TEST_AWS: socket, PATH: `${folder}:${process.env['PATH']}` };
  const aws = awsCli(all);
  return {
    folder,
    environment: all,
    aws,
    async made<T>(...args: readonly string[]) {
      const { code, stdout, stderr } = await aws(args);
      if (code !== 0) throw new Error(stderr);
      return (stdout.trim() === '' ? {} : JSON.parse(stdout)) as T;
    },
    stop: async () => {
      const gone = new Promise((done) => server.once('exit', done));
      server.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
