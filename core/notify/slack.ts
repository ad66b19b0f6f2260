import type {
  AccessNews,
  News,
  NewsKind,
  PolicyNews,
  RefusedNews,
  ToldDeviation,
  WaitNews,
} from '../access/news.ts';
import { isActedFor, nameOf, type Person, sameActors, samePerson } from '../access/person.ts';
import type { Actor } from '../identity/principal.ts';
import type { RunNews } from '../tasks/run-news.ts';
import { asCode } from './slack-text.ts';

/** With the words around them all together fit into the 3000 characters of one block. */
const NAME_MAX = 150;
const PROSE_MAX = 700;
/** Where somebody acts for somebody, more names are in it. */
const ACTED_PROSE_MAX = 350;

/** A message for an incoming webhook of Slack (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). `url`: where more of it is. */
export function slackMessage(news: News, url?: string): object {
  const text = [...linesOf(news), ...(url === undefined ? [] : [`<${url}|Open in Custody>`])].join('\n');
  // `verbatim`: Slack makes no links of its own. The text beside the blocks is for notifications, and for other programs.
  const section = { type: 'section', text: { type: 'mrkdwn', text, verbatim: true } };
  return { text, blocks: [section], unfurl_links: false, unfurl_media: false };
}

function linesOf(news: News): string[] {
  switch (news.kind) {
    case 'policy-changed':
      return policyLines(news);
    case 'run-deviated':
    case 'task-ended':
      return runLines(news);
    case 'session-waits':
      return waitLines(news);
    case 'calls-refused':
      return refusedLines(news);
    default:
      return accessLines(news);
  }
}

const TITLES: Readonly<Record<NewsKind, string>> = {
  'access-requested': 'Access requested',
  'access-approved': 'Access approved',
  'access-denied': 'Access denied',
  'access-withdrawn': 'Request withdrawn',
  'access-granted': 'Access granted',
  'access-used': 'Access used: its one session runs the commands',
  'access-returned': 'Access returned',
  'access-revoked': 'Access revoked',
  'break-glass': 'Glass broken: access without approval',
  'break-glass-reviewed': 'Broken glass reviewed',
  'policy-changed': 'custody.yaml has changed: who may reach what is another now',
  'run-deviated': 'A task left its contract',
  'task-ended': 'A task of a workflow has ended',
  'session-waits': 'A session waits for somebody to watch it',
  'calls-refused': 'Calls of a session were refused',
};

/** Of a command that its contract does not have. */
const WAITING_TITLES: Readonly<Partial<Record<NewsKind, string>>> = {
  'access-requested': 'Outside its contract: a task waits for a decision',
  'access-granted': 'Outside its contract, and may go on',
  'access-used': 'Outside its contract, and goes on',
  'access-denied': 'Outside its contract, and denied',
};

function accessLines(news: AccessNews): string[] {
  return [headline(news), ...facts(news), ...toDo(news)];
}

function policyLines({ kind, policy }: PolicyNews): string[] {
  return [`*${TITLES[kind]}*`, `*Version:* ${name(policy)}`];
}

function waitLines({ kind, requester, target, groups, until, rule, session }: WaitNews): string[] {
  return [
    `*${TITLES[kind]}*`,
    `${chain(requester)} on ${name(target)}`,
    `*Somebody of:* ${name(groups.join(', '))}`,
    `*Waits until:* ${name(until)}`,
    `*Rule:* ${name(rule)}`,
    `*To watch:* ${asCode(`custody watch ${session}`, NAME_MAX)}`,
  ];
}

function refusedLines({
  kind,
  requester,
  target,
  rule,
  session,
  call,
  code,
  refused,
}: RefusedNews): string[] {
  return [
    `*${TITLES[kind]}*`,
    `${chain(requester)} on ${name(target)}`,
    `*So far:* ${refused}, the last one ${asCode(call, NAME_MAX)} (${name(code)})`,
    `*Rule:* ${name(rule)}`,
    `*Session:* ${name(session)}`,
  ];
}

function runLines({
  kind,
  workflow,
  task,
  startedBy,
  run,
  session,
  deviation,
  how,
  verdict,
}: RunNews): string[] {
  const said: readonly (readonly [string, string | undefined])[] = [
    ['Deviation', deviation === undefined ? undefined : `${name(deviation)}, ${name(how ?? 'recorded')}`],
    ['Verdict', verdict === undefined ? undefined : name(verdict)],
    ['Run', name(run)],
    ['Session', name(session)],
  ];
  const lines = said.flatMap(([label, value]) => (value === undefined ? [] : [`*${label}:* ${value}`]));
  return [`*${TITLES[kind]}*`, `${name(`${workflow}/${task}`)}, started by ${chain(startedBy)}`, ...lines];
}

function headline({ alarm, kind, requester, target, deviation }: AccessNews): string {
  const title = alarm
    ? `:rotating_light: *ALARM: ${alarmTitle(kind)}* :rotating_light:`
    : `*${(deviation === undefined ? undefined : WAITING_TITLES[kind]) ?? TITLES[kind]}*`;
  return `${title}\n${chain(requester)} on ${name(target)}`;
}

/** What makes these an alarm is not in their title. */
function alarmTitle(kind: NewsKind): string {
  if (kind === 'break-glass-reviewed') return 'Broken glass found unjustified';
  return kind === 'access-granted' ? 'Access granted by broken glass' : TITLES[kind];
}

/** One line a fact; what is not known has none. */
function facts(news: AccessNews): string[] {
  const { by, requester, reason, ticket, comment, rule, statements } = news;
  const prose = [requester, by ?? requester].some(isActedFor) ? ACTED_PROSE_MAX : PROSE_MAX;
  const lines: readonly Line[] = [
    ['By', by === undefined || isRequester(by, requester) ? undefined : chain(by)],
    ['Actor', isActedFor(requester) ? account(requester.actors![0]!) : undefined],
    ['How long', howLong(news)],
    ['Only for', statements === undefined ? undefined : commands(statements)],
    ['Reason', reason === undefined ? undefined : asCode(reason, prose)],
    ['Ticket', ticket === undefined ? undefined : name(ticket)],
    ['Comment', comment === undefined ? undefined : asCode(comment, prose)],
    ...ofRun(news, prose),
    ['Rule', name(rule)],
    ['Request', name(news.request)],
  ];
  return lines.flatMap(([label, value]) => (value === undefined ? [] : [`*${label}:* ${value}`]));
}

type Line = readonly [label: string, value: string | undefined];

/** The run, and what a task of it waits with. */
function ofRun({ run, deviation }: AccessNews, prose: number): readonly Line[] {
  if (deviation !== undefined) return waiting(deviation, prose);
  if (run === undefined) return [];
  const task = run.task === undefined ? run.workflow : `${run.workflow}/${run.task}`;
  return [
    ['Only as', name(task)],
    ['Run', name(run.id)],
  ];
}

const DIFFERENCE_MAX = 150;

function waiting(deviation: ToldDeviation, prose: number): readonly Line[] {
  const { workflow, task, run, command, expected, seen, isAnswer } = deviation;
  const text = command.isWhole ? command.text : `${command.text}…`;
  return [
    ['Task', name(`${workflow}/${task}`)],
    ['Run', name(run)],
    [isAnswer ? 'It has run' : 'It would run', asCode(text, prose)],
    ['Seen', asCode(seen, DIFFERENCE_MAX)],
    ['The contract has', asCode(expected, DIFFERENCE_MAX)],
  ];
}

function isRequester(by: Person, requester: Person): boolean {
  return samePerson(by, requester) && sameActors(by, requester);
}

/** Each name by itself, so that none looks like two of them: `agent-7` for `dana@example.com`. Who acts now is named alone. */
function chain({ actors = [], ...person }: Person): string {
  const [actor] = actors;
  return [...(actor === undefined ? [] : [name(actor.subject)]), name(nameOf(person))].join(' for ');
}

/** Who says so is part of who it is. */
function account({ subject, issuer }: Actor): string {
  return `${name(subject)} of ${name(issuer)}`;
}

function toDo({ kind, alarm, request }: AccessNews): string[] {
  if (kind === 'access-requested') return [`*To approve:* ${asCode(`custody approve ${request}`, NAME_MAX)}`];
  if (kind === 'break-glass') return ['*To do:* somebody else has to review what is done with it.'];
  return kind === 'break-glass-reviewed' && alarm ? ['*To do:* find out what happened.'] : [];
}

function name(text: string): string {
  return asCode(text, NAME_MAX);
}

function howLong({ durationMs, until }: AccessNews): string {
  return until === undefined
    ? durationWords(durationMs)
    : `${durationWords(durationMs)}, until ${name(until)}`;
}

function commands(count: number): string {
  return count === 1 ? 'one command' : `${count} commands`;
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** `1 h 30 min`. */
function durationWords(ms: number): string {
  let seconds = Math.ceil(ms / 1000);
  const words = UNITS.flatMap(([unit, size]) => {
    const count = Math.floor(seconds / size);
    seconds %= size;
    return count === 0 ? [] : [`${count} ${unit}`];
  });
  return words.length === 0 ? '0 s' : words.join(' ');
}
