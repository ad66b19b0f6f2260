/** `npx custody-terraform FOLDER`: a module for Terraform, of the settings in cdk.json of the current folder. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import { readDeploymentConfig } from '../config.ts';
import { lookedUp, writeModule } from './module.ts';

try {
  const [into, ...rest] = process.argv.slice(2);
  if (into === undefined || into.startsWith('-') || rest.length > 0)
    throw new CustodyError('config-invalid', 'expected one folder, for the module', {
      hint: 'custody-terraform ./custody',
    });
  const folder = process.cwd();
  const { context = {} } = JSON.parse(readFileSync('cdk.json', 'utf8')) as {
    readonly context?: Readonly<Record<string, unknown>>;
  };
  const settings = readDeploymentConfig(context['custody']);
  writeModule(resolve(into), { settings, folder, looked: lookedUp(folder) });
  process.stdout.write(`${into} is a module for Terraform: see ${into}/README.md\n`);
} catch (error) {
  if (!(error instanceof CustodyError)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`→ ${error.hint}\n`);
  process.exitCode = 1;
}
