import { Command } from 'commander';
import { getTargets } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { listing } from '../listing.ts';

export function targetsCommand(cli: Cli): Command {
  return new Command('targets')
    .description('what you may connect to or ask for')
    .option('--json', 'as one line of JSON')
    .action(({ json }: { json?: true }) => targets(cli, json === true));
}

async function targets(cli: Cli, json: boolean): Promise<void> {
  const targets = await getTargets(await connectApi(cli));
  if (json) return printJson(cli, { targets });
  const rows = targets.map((target) => [
    target.name,
    target.protocol,
    `${target.host}:${target.port}`,
    accessText(target) + sandboxText(target),
  ]);
  await print(cli, listing(['TARGET', 'PROTOCOL', 'GATEWAY', 'ACCESS'], rows));
}

/** Beside it, so that most listings have no column of blanks. */
function sandboxText({ sandbox }: Target): string {
  if (sandbox === undefined) return '';
  return sandbox.from === undefined ? ' (sandbox)' : ` (sandbox made of ${sandbox.from})`;
}

function accessText({ access, until, ask }: Target): string {
  if (access === 'granted') return `until ${until}`;
  if (access === 'standing') return 'yes';
  if (access === 'task') return 'as a task of a run';
  return ask.every(({ breakGlass }) => breakGlass) ? 'in an emergency' : 'ask for it';
}
