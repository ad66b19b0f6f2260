import { Command } from 'commander';
import { z } from 'zod';
import { getJson, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type Paging, pagesOf, printPages, readLimit, searchOf } from '../paging.ts';

const letterSchema = z.object({
  id: text,
  webhook: text,
  problem: text,
  kind: text,
  at: text,
  request: text.optional(),
});
const deadLettersSchema = z.object({ deadLetters: z.array(letterSchema), next: text.optional() });
const retrySchema = z.object({ id: text });

interface DeadLettersOptions extends Paging {
  readonly again?: string;
  readonly json?: true;
}

export function deadLettersCommand(cli: Cli): Command {
  return new Command('dead-letters')
    .description('what no webhook took, for who runs the gateway')
    .option('--again <id>', 'try this one again')
    .option('--limit <n>', 'how many at most, or all', readLimit, 100)
    .option('--cursor <id>', 'only those that come after this one')
    .option('--json', 'as one line of JSON')
    .action((options: DeadLettersOptions) => deadLetters(cli, options));
}

async function deadLetters(cli: Cli, { again, json, ...paging }: DeadLettersOptions): Promise<void> {
  const api = await connectApi(cli);
  if (again !== undefined) {
    const tried = await postJson(api, '/v1/dead-letters', retrySchema, { id: again });
    return json ? printJson(cli, tried) : print(cli, 'it is tried again');
  }
  const pages = pagesOf(paging, async (page) => {
    const found = await getJson(api, `/v1/dead-letters?${searchOf({ ...page })}`, deadLettersSchema);
    return { items: found.deadLetters, next: found.next };
  });
  await printPages(cli, pages, LISTED, json === true);
}

const LISTED = {
  name: 'deadLetters',
  headings: ['LETTER', 'WEBHOOK', 'EVENT', 'AT', 'PROBLEM'],
  row: ({ id, webhook, kind, at, problem }: z.infer<typeof letterSchema>) => [id, webhook, kind, at, problem],
};
