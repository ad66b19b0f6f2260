import { execFile } from 'node:child_process';
import { arch } from 'node:process';
import { promisify } from 'node:util';
import type { DeploymentConfig } from '#cdk/config.ts';
import { bad, type Finding, good, warning } from '../findings/finding.ts';

/** What a program on this machine says; undefined where it fails or is not there. */
export type Program = (program: string, args: readonly string[]) => Promise<string | undefined>;

const TIMEOUT_MS = 20_000;

export const runProgram: Program = async (program, args) => {
  const run = promisify(execFile);
  return run(program, [...args], { timeout: TIMEOUT_MS }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
};

const PLATFORMS = { arm64: 'linux/arm64', x64: 'linux/amd64' } as const;

/** Whether the image of the proxy can be made here, for the processors that tasks run on. */
export async function imageFindings(
  { tasks: { architecture } }: DeploymentConfig,
  program: Program,
): Promise<readonly Finding[]> {
  const about = 'Docker';
  const version = await program('docker', ['version', '--format', '{{.Server.Version}}']);
  if (version === undefined) {
    const todo = 'install and start Docker: the deployment makes the image of the proxy with it';
    return [bad(about, 'it does not answer', { todo })];
  }
  if (arch === architecture) return [good(about, `${version.trim()}, of the tasks' architecture`)];
  const platform = PLATFORMS[architecture];
  const builder = (await program('docker', ['buildx', 'inspect'])) ?? '';
  if (builder.includes(platform)) return [good(about, `${version.trim()}, makes ${platform} by emulation`)];
  const todo = `docker run --privileged --rm tonistiigi/binfmt --install ${platform.split('/')[1]}, or "tasks": { "architecture": "${arch === 'arm64' ? 'arm64' : 'x64'}" } in cdk.json`;
  return [warning(about, `its builder does not say that it makes ${platform}`, { todo })];
}
