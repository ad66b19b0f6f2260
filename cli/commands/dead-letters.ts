import { Command } from 'commander';
import { z } from 'zod';
import { getJson, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { listing } from '../listing.ts';

const deadLettersSchema = z.object({
  deadLetters: z.array(
    z.object({ id: text, webhook: text, problem: text, kind: text, at: text, request: text.optional() }),
  ),
});
const retrySchema = z.object({ id: text });

interface DeadLettersOptions {
  readonly again?: string;
  readonly json?: true;
}

export function deadLettersCommand(cli: Cli): Command {
  return new Command('dead-letters')
    .description('what no webhook took, for who runs the gateway')
    .option('--again <id>', 'try this one again')
    .option('--json', 'as one line of JSON')
    .action((options: DeadLettersOptions) => deadLetters(cli, options));
}

async function deadLetters(cli: Cli, { again, json }: DeadLettersOptions): Promise<void> {
  const api = await connectApi(cli);
  if (again !== undefined) {
    const tried = await postJson(api, '/v1/dead-letters', retrySchema, { id: again });
    return json ? printJson(cli, tried) : print(cli, 'it is tried again');
  }
  const found = await getJson(api, '/v1/dead-letters', deadLettersSchema);
  if (json) return printJson(cli, found);
  const rows = found.deadLetters.map(({ id, webhook, kind, at, problem }) => [
    id,
    webhook,
    kind,
    at,
    problem,
  ]);
  await print(cli, listing(['LETTER', 'WEBHOOK', 'EVENT', 'AT', 'PROBLEM'], rows));
}
