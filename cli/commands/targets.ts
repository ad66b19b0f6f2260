import { Command } from 'commander';
import { getTargets } from '../api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { listing } from '../listing.ts';

export function targetsCommand(cli: Cli): Command {
  return new Command('targets')
    .description('what you may connect to')
    .option('--json', 'as one line of JSON')
    .action(({ json }: { json?: true }) => targets(cli, json === true));
}

async function targets(cli: Cli, json: boolean): Promise<void> {
  const targets = await getTargets(await connectApi(cli));
  if (json) return printJson(cli, { targets });
  const rows = targets.map(({ name, protocol, host, port }) => [name, protocol, `${host}:${port}`]);
  await print(cli, listing(['TARGET', 'PROTOCOL', 'GATEWAY'], rows));
}
