/** `npm run preflight`: what a first deployment needs, and CloudFormation finds out too late. Changes nothing. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { asCustodyError } from '#core/errors.ts';
import { readDeploymentConfig } from './config.ts';
import { readConfigFolder } from './config-folder.ts';
import { type Aws, mistakesIn } from './preflight-checks.ts';

/** The AWS CLI knows the account as the CDK does, whatever way people log in. What it says is held in memory alone. */
const aws: Aws = (...args) => {
  const { status, stdout, stderr, error } = spawnSync('aws', [...args, '--output', 'json'], {
    encoding: 'utf8',
  });
  if (error !== undefined) return { code: 127, stdout: '', stderr: 'the AWS CLI (aws) is not on the path' };
  return { code: status ?? 1, stdout, stderr };
};

try {
  const { context } = JSON.parse(readFileSync('cdk.json', 'utf8')) as { context: Record<string, unknown> };
  const settings = readDeploymentConfig(context['custody']);
  const config = readConfigFolder(resolve(settings.configFolder));
  const mistakes = mistakesIn(settings, config, { aws, now: new Date() });
  for (const mistake of mistakes) process.stdout.write(`${mistake}\n`);
  if (mistakes.length === 0) process.stdout.write('nothing is in the way of a deployment\n');
  process.exitCode = mistakes.length === 0 ? 0 : 1;
} catch (thrown) {
  const { message, hint } = asCustodyError(thrown);
  process.stderr.write(`${message}\n${hint === undefined ? '' : `→ ${hint}\n`}`);
  process.exitCode = 2;
}
