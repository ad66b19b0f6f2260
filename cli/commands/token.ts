import { Command } from 'commander';
import { type Cli, print } from '../cli.ts';
import { currentToken } from '../tokens.ts';

export function tokenCommand(cli: Cli): Command {
  return new Command('token')
    .description('print a token that is good now: the password for a client that custody does not start')
    .action(async () => print(cli, await currentToken(cli)));
}
