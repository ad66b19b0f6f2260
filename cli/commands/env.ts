import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { type Asking, clientEnv } from '../client-env.ts';

interface EnvOptions extends Asking {
  readonly json?: true;
}

export function envCommand(cli: Cli): Command {
  return new Command('env')
    .description(
      'what a client needs in its environment, the token among it: eval "$(custody env orders-db)"',
    )
    .argument('<target>')
    .option('--reason <text>', 'why, where the gateway may have to ask reviewers')
    .option('--ticket <id>', 'where it is written down')
    .option('--json', 'as one line of JSON')
    .action((target: string, options: EnvOptions) => env(cli, target, options));
}

async function env(cli: Cli, target: string, { json, ...asking }: EnvOptions): Promise<void> {
  const variables = await clientEnv(cli, target, asking);
  if (json) return printJson(cli, variables);
  for (const [name, value] of Object.entries(variables)) {
    await print(cli, value === undefined ? `unset ${name}` : `export ${name}=${quoted(value)}`);
  }
}

/** For any POSIX shell: nothing inside single quotes is special. */
function quoted(value: string): string {
  if (/\p{Cc}/u.test(value)) throw new CustodyError('format-invalid', 'a value holds a control character');
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
