import { Command } from 'commander';
import { type Cli, print, printJson } from '../cli.ts';
import type { Given } from '../init/given.ts';
import { initAws } from '../init/init-aws.ts';
import { initCertificate, type CertificateGiven } from '../init/init-certificate.ts';
import { nextSteps } from '../init/next-steps.ts';

export function initCommand(cli: Cli): Command {
  return new Command('init')
    .helpGroup('Run a gateway in AWS:')
    .description("write a deployment's files, from what is in the account and a few answers")
    .addCommand(awsCommand(cli))
    .addCommand(certificateCommand(cli));
}

const AFTER = `
On a terminal it asks for what no flag says. Nothing is made in the account without a yes, or --create. Secrets that are there stay.
It reads AWS through the AWS CLI, with its login.`;

function awsCommand(cli: Cli): Command {
  return new Command('aws')
    .description(
      'cdk.json, custody-config/custody.yaml and gateway-ca.pem for an account, with the databases found there',
    )
    .option('--out <folder>', 'where to', '.')
    .option('--hostname <name>', 'where clients reach the gateway')
    .option(
      '--zone <id>',
      'of Route 53, for its record; or "none" (default: the one above the name, if there is one)',
    )
    .option('--issuer <url>', 'of the identity provider')
    .option('--client-id <id>', 'registered there; what tokens are for')
    .option('--client-secret <secret>', 'of a client that has one although it is public (Google)')
    .option('--groups-claim <name>', 'of the token (default: as the provider has it)')
    .option('--developers <group>', 'who may ask for sessions; addresses, where tokens have no groups')
    .option('--reviewers <group>', 'who reviews')
    .option('--administrators <group>', 'who runs the gateway (default: the reviewers)')
    .option('--database <id...>', 'as RDS names it; "all" (default) or "none"')
    .option('--readers', 'readers of clusters as targets of their own')
    .option('--vpc <id>', 'that tasks run in, or "new" (default: that of the databases)')
    .option('--clients <network...>', 'that clients come from (default: the VPC)')
    .option('--certificate <file>', 'PEM, the chain; with --key (default: of a CA of its own)')
    .option('--key <file>', 'PEM, without a passphrase')
    .option('--acm <arn>', 'an exportable certificate of ACM')
    .option('--create', 'make the secrets')
    .option('--region <region>', "(default: the AWS CLI's)")
    .option('--profile <name>', 'of the AWS CLI')
    .option('-y, --yes', 'take what is proposed, ask nothing')
    .option('--force', 'replace files that are there')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', AFTER)
    .action((given: Given & { json?: true }) => aws(cli, given));
}

async function aws(cli: Cli, given: Given & { readonly json?: true }): Promise<void> {
  const done = await initAws(cli, given);
  const { folder, files, registered } = done;
  if (given.json) {
    const { made, missing } = registered;
    return printJson(cli, {
      folder,
      files,
      made,
      missing,
      targets: done.plan.targets.map(({ name }) => name),
    });
  }
  await print(cli, `wrote ${files.join(', ')}\n`);
  await print(cli, nextSteps(done, process.cwd()));
}

function certificateCommand(cli: Cli): Command {
  return new Command('certificate')
    .description("make or renew the gateway's certificate: into the secret that cdk.json names")
    .option('--certificate <file>', 'PEM, the chain; with --key (default: of the CA of its own)')
    .option('--key <file>', 'PEM, without a passphrase')
    .option('--acm <arn>', 'an exportable certificate of ACM')
    .option('--create', 'do it without asking')
    .option('--profile <name>', 'of the AWS CLI')
    .option('--force', 'replace gateway-ca.pem where it is another CA')
    .addHelpText('after', '\nTasks that run keep the one before: start new ones, as it says in the end.')
    .action((given: CertificateGiven) => initCertificate(cli, given));
}
