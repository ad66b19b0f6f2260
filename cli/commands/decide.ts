import { Command, Option } from 'commander';
import { type StepPath, stepRequest } from '../access-api.ts';
import type { Cli } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { requireRequestId } from '../session-id.ts';
import { showRequest } from '../show-request.ts';

interface DecideOptions {
  readonly comment?: string;
  readonly json?: true;
}

export function approveCommand(cli: Cli): Command {
  return withComment(
    cli,
    'approve',
    'approve a request; with the last approval it needs, its time begins',
    'decisions',
    {
      decision: 'approved',
    },
  );
}

export function denyCommand(cli: Cli): Command {
  return withComment(cli, 'deny', 'deny a request', 'decisions', { decision: 'denied' });
}

export function revokeCommand(cli: Cli): Command {
  return withComment(cli, 'revoke', 'take a grant back; its sessions end within seconds', 'revocation', {});
}

export function returnCommand(cli: Cli): Command {
  return new Command('return')
    .description('withdraw your request, or give your grant back before its time')
    .argument('<request>')
    .option('--json', 'as one line of JSON')
    .action((id: string, { json }: DecideOptions) => step(cli, id, 'return', {}, json));
}

export function reviewCommand(cli: Cli): Command {
  return new Command('review')
    .description('say what you found about a broken glass')
    .argument('<request>')
    .addOption(
      new Option('--verdict <verdict>', 'what you found')
        .choices(['justified', 'unjustified'])
        .makeOptionMandatory(),
    )
    .option('--comment <text>', 'for whoever reads it later')
    .option('--json', 'as one line of JSON')
    .action((id: string, { verdict, comment, json }: DecideOptions & { verdict: string }) =>
      step(cli, id, 'review', { verdict, ...(comment === undefined ? {} : { comment }) }, json),
    );
}

function withComment(cli: Cli, name: string, what: string, path: StepPath, body: object): Command {
  return new Command(name)
    .description(what)
    .argument('<request>')
    .option('--comment <text>', 'for whoever reads it later')
    .option('--json', 'as one line of JSON')
    .action((id: string, { comment, json }: DecideOptions) =>
      step(cli, id, path, { ...body, ...(comment === undefined ? {} : { comment }) }, json),
    );
}

async function step(
  cli: Cli,
  id: string,
  path: StepPath,
  body: object,
  json: true | undefined,
): Promise<void> {
  const request = await stepRequest(await connectApi(cli), requireRequestId(id), path, body);
  await showRequest(cli, request, json === true);
}
