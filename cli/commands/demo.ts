import { Argument, Command } from 'commander';
import { type DemoRole, demoPeople, demoToken } from '#adapters/local/demo-issuer.ts';
import { type Cli, print } from '../cli.ts';

export function demoCommand(cli: Cli): Command {
  const token = new Command('token')
    .description(
      'an ID token of a demo person, for scripts: export CUSTODY_TOKEN=$(custody demo token developer)',
    )
    .addArgument(new Argument('<person>').choices(Object.keys(demoPeople)))
    .option('--data-dir <dir>', "the local gateway's data folder", '.custody')
    .action(async (role: DemoRole, { dataDir }: { dataDir: string }) => {
      await print(cli, await demoToken(dataDir, role, cli.now()));
    });
  return new Command('demo').description('for the local gateway alone').addCommand(token);
}
