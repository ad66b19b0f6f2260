/** `npm run preflight`: what a first deployment needs, and CloudFormation finds out too late. Changes nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { asCustodyError } from '#core/errors.ts';
import { readDeploymentConfig } from './config.ts';
import { readConfigFolder } from './config-folder.ts';
import { type Aws, mistakesIn } from './preflight-checks.ts';
import { issuerMistakes } from './preflight-issuers.ts';

/** The AWS CLI knows the account as the CDK does, whatever way people log in. What it says is held in memory alone. */
const aws: Aws = (...args) => {
  const { status, stdout, stderr, error } = spawnSync('aws', [...args, '--output', 'json'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return { code: 127, stdout: '', stderr: 'the AWS CLI (aws) is not on the path' };
  return { code: status ?? 1, stdout, stderr };
};

const TIMEOUT_MS = 10_000;

async function get(url: string): Promise<string> {
  const unreachable = (cause: unknown): never => {
    throw new Error(`${url} cannot be reached from here: ${(cause as Error).message}`);
  };
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { redirect: 'error', signal }).catch(unreachable);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`);
  return response.text();
}

try {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };
  const settings = readDeploymentConfig(context['custody']);
  const folder = resolve(settings.configFolder);
  const config = readConfigFolder(folder);
  const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
  const mistakes = [
    ...mistakesIn(settings, config, { aws, now: new Date() }),
    ...(await issuerMistakes(config, { get, read })),
  ];
  for (const mistake of mistakes) process.stdout.write(`${mistake}\n`);
  if (mistakes.length === 0) process.stdout.write('nothing is in the way of a deployment\n');
  process.exitCode = mistakes.length === 0 ? 0 : 1;
} catch (thrown) {
  const { message, hint } = asCustodyError(thrown);
  process.stderr.write(`${message}\n${hint === undefined ? '' : `→ ${hint}\n`}`);
  process.exitCode = 2;
}
