import { Command } from 'commander';
import { getSession } from '../api.ts';
import type { Session } from '../api-shapes.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { accountText, counted, facts, sizeText, targetText } from '../listing.ts';
import { requireSessionId } from '../session-id.ts';

export function showCommand(cli: Cli): Command {
  return new Command('show')
    .description('one session: who, what, when, how it ended')
    .argument('<id>')
    .option('--json', 'as one line of JSON')
    .action((id: string, { json }: { json?: true }) => show(cli, id, json === true));
}

async function show(cli: Cli, id: string, json: boolean): Promise<void> {
  const session = await getSession(await connectApi(cli), requireSessionId(id));
  if (json) return printJson(cli, session);
  await print(cli, facts(described(session)).join('\n'));
}

function described(session: Session): Record<string, string | undefined> {
  const { principal, client, outcome } = session;
  return {
    session: session.id,
    who: principal.email,
    subject: accountText(principal),
    actor: principal.actors?.map(accountText).join(', for '),
    target: `${targetText(session)} (${session.protocol})`,
    rule: session.rule,
    client: [client.address, client.application].filter(Boolean).join(', '),
    run: session.run?.id,
    'its task': session.run && `${session.run.workflow}/${session.run.task}`,
    task: session.task,
    started: session.startedAt,
    state: session.state,
    ended: outcome?.endedAt,
    reason: outcome?.reason,
    recording:
      outcome &&
      `${counted(outcome.frames, 'frame')}, ${sizeText(outcome.bytes)} in ${counted(outcome.segments, 'segment')}`,
  };
}
