import { Command } from 'commander';
import { z } from 'zod';
import { summarySchema } from '#core/replay/summary/summary.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import { getJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { requireSessionId } from '../session-id.ts';

const line = z.object({ text, step: z.int().min(1).optional() });
const answerSchema = z.object({
  summary: summarySchema,
  lines: z.array(line),
  unusual: z.array(line),
  compared: z.object({ sessions: z.int(), without: z.int() }),
});
type Answer = z.infer<typeof answerSchema>;

export function summaryCommand(cli: Cli): Command {
  return new Command('summary')
    .description('what a session came to, and what of it was not so before')
    .argument('<id>')
    .option('--json', 'as one line of JSON')
    .addHelpText('after', '\nA line that ends in #7 is about step 7: custody steps <id> --from 7 --limit 1.')
    .action((id: string, { json }: { json?: true }) => summary(cli, requireSessionId(id), json === true));
}

async function summary(cli: Cli, id: string, json: boolean): Promise<void> {
  const answer = await getJson(await connectApi(cli), `/v1/sessions/${id}/summary`, answerSchema);
  if (json) return printJson(cli, answer);
  await print(cli, [...titleLines(answer), ...sections(answer)].join('\n'));
}

function titleLines({ summary: { session, person, target, startedAt, endedAt, reason } }: Answer): string[] {
  const until = endedAt === undefined ? '' : ` to ${endedAt}, ${reason ?? ''}`;
  return [escapeTerminal(`session ${session}: ${person} on ${target}, from ${startedAt}${until}`)];
}

function sections({ lines, unusual, compared }: Answer): string[] {
  const without = compared.without > 0 ? `; ${compared.without} more have no summary yet` : '';
  return [
    ...lines.map(lineText),
    '',
    `unusual, compared with ${compared.sessions} sessions of the same person and target before${without}:`,
    ...(unusual.length === 0 ? ['  nothing'] : unusual.map(lineText)),
  ];
}

function lineText({ text: words, step }: z.infer<typeof line>): string {
  return `  ${escapeTerminal(words)}${step === undefined ? '' : ` #${step}`}`;
}
