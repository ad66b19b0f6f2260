import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { preflight, type PreflightOptions } from '../preflight/preflight.ts';

export function preflightCommand(cli: Cli): Command {
  return new Command('preflight')
    .helpGroup('Run a gateway in AWS:')
    .description('what would make a deployment fail, and what to do about it; changes nothing')
    .option('--profile <name>', 'of the AWS CLI')
    .option('--json', 'as one line of JSON')
    .addHelpText(
      'after',
      '\nIn the folder of cdk.json. Exit codes: 0 nothing is in the way, 1 something is, 2 it could not be looked at.',
    )
    .action((options: PreflightOptions) => preflight(cli, options));
}
