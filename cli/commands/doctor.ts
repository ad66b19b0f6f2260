import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { doctor, type DoctorOptions } from '../doctor/doctor.ts';

const AFTER = `
Without options: the gateway of your last login. In the folder of cdk.json it knows where the deployed one listens.
Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be looked at.`;

export function doctorCommand(cli: Cli): Command {
  return new Command('doctor')
    .helpGroup('Run a gateway in AWS:')
    .description(
      'look at a gateway that runs, from the outside in: what is wrong, why it matters, what to do',
    )
    .option('--api <url>', 'of the API (default: that of your last login)')
    .option('--gateway <host:port>', 'where it listens (default: as the API tells you)')
    .option('--ca <file>', 'PEM: what to verify it with (default: as the API tells you)')
    .option(
      '--aws',
      'and at what AWS knows of it: tasks, load balancer, alarms, log, tables; in the folder of cdk.json',
    )
    .option('--profile <name>', 'of the AWS CLI')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', AFTER)
    .action((options: DoctorOptions) => doctor(cli, options));
}
