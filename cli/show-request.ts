import { durationText } from '#core/access/duration.ts';
import { nameOf } from '#core/access/person.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import type { AccessRequest } from './access-api.ts';
import { type Cli, print, printJson } from './cli.ts';
import { contractLines } from './contract-text.ts';
import { accountText, facts } from './listing.ts';

/** One request, with all that reviewers decide about. */
export async function showRequest(cli: Cli, request: AccessRequest, json: boolean): Promise<void> {
  if (json) return printJson(cli, request);
  const { statements = [], deviation, contracts } = request;
  await print(cli, facts(described(request)).join('\n'));
  for (const { text } of deviation === undefined ? statements : [deviation.command]) {
    await print(cli, indented(text));
  }
  if (contracts === undefined) return;
  await print(cli, ['', 'what the workflow says:', ...contractLines(contracts)].join('\n'));
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${escapeTerminal(line)}`)
    .join('\n');
}

function described(request: AccessRequest): Record<string, string | undefined> {
  const { grant, review } = request;
  return {
    request: request.id,
    state: stateText(request),
    who: nameOf(request.requester),
    ...actingText(request.requester),
    target: request.target,
    rule: request.rule,
    ...runText(request),
    reason: request.reason,
    ticket: request.ticket,
    for: durationText(request.durationSeconds * 1000),
    needs: request.state === 'pending' ? needsText(request) : undefined,
    decisions: request.decisions.map(decisionText).join('; '),
    granted: grant && `${grant.from} to ${grant.until}`,
    ended: grant?.ended && `${grant.ended.how} by ${nameOf(grant.ended.by)} at ${grant.ended.at}`,
    session: grant?.usedBy,
    review: review && `${review.verdict}, by ${nameOf(review.by)} at ${review.at}`,
    digest: request.digest,
    commands: request.statements && `${request.statements.length}, and no others:`,
    ...deviationText(request),
  };
}

/** Whose sessions it is for. */
function runText({ run, deviation }: AccessRequest): Record<string, string | undefined> {
  const of = deviation === undefined ? run : { ...deviation, id: deviation.run };
  if (of === undefined) return {};
  const { id, workflow, workflowDigest, task } = of;
  return { workflow: `${workflow} (${workflowDigest})`, run: id, task: task ?? 'any of it' };
}

/** The difference, and how the command that follows is meant. */
function deviationText({ deviation }: AccessRequest): Record<string, string | undefined> {
  if (deviation === undefined) return {};
  const { session, kind, of, expected, seen, isAnswer, command } = deviation;
  return {
    waits: `the session ${session}`,
    deviation: of === undefined ? kind : `${kind}, of ${of}`,
    seen,
    'the contract has': expected,
    'sha256 of it': command.sha256,
    [isAnswer ? 'it has run' : 'it would run']: isAnswer
      ? 'and the session would go on after:'
      : 'once, in this session alone:',
  };
}

/** Who acts, for whom, and who says so: what a reviewer of an agent's request has to know. */
function actingText({ actors, ...person }: AccessRequest['requester']): Record<string, string> {
  if (actors === undefined) return {};
  return { actor: actors.map(accountText).join(', for '), 'acts for': accountText(person) };
}

/** In one or two words. */
export function stateText({ state, breakGlass, needsReview }: AccessRequest): string {
  if (needsReview) return `${state}, to be reviewed`;
  return breakGlass ? `${state}, reviewed` : state;
}

function needsText({ needs, pendingUntil }: AccessRequest): string | undefined {
  if (needs === undefined) return undefined;
  const of =
    needs.any === undefined ? `of each of ${(needs.all ?? []).join(', ')}` : `of ${needs.any.join(' or ')}`;
  return `${needs.approvals} approval${needs.approvals === 1 ? '' : 's'} ${of}, until ${pendingUntil}`;
}

function decisionText({ decision, by, comment }: AccessRequest['decisions'][number]): string {
  return `${decision} by ${nameOf(by)}${comment === undefined ? '' : ` (${comment})`}`;
}
