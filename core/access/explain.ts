import type { Actor, Principal } from '../identity/principal.ts';
import { protocolOf } from '../protocols/protocols.ts';
import { runnableAt } from '../tasks/may-run.ts';
import { type ComingTask, type Context, conditionWords, isTask } from './conditions.ts';
import type { Action, Config, Rule, Target } from './config.ts';
import { Authorization, decide, isDisabled, isForeign, type Refusal, shownTarget } from './decide.ts';
import { personOf } from './person.ts';
import { type Obstacle, obstaclesOf, partObstacles, type Question } from './rule-match.ts';
import { valueOf } from './whose.ts';

/** A decision and, rule by rule, what led to it. */
export interface Explanation {
  readonly verdict: 'allowed' | 'requestable' | 'denied';
  readonly action: Action;
  readonly target: string;
  /** The version of the configuration. */
  readonly policy: string;
  /** One sentence: the decision. */
  readonly because: string;
  /** What to do next, where it is not allowed. */
  readonly hint?: string;
  /** Of a connection that is allowed: what passes in it, where its protocol says that by the rule. */
  readonly passes?: readonly string[];
  readonly rules: readonly RuleExplanation[];
}

export interface RuleExplanation {
  readonly rule: string;
  readonly effect: 'allow' | 'deny';
  /** True when the rule has its effect here. */
  readonly applies: boolean;
  /** Why not; in the words of the file. */
  readonly because: readonly string[];
}

/** Says what `decide` answers, and why. */
export function explain(question: Question): Explanation {
  const decision = decide(question);
  const { action, target, policy } = question;
  const rules = policy.rules.map((rule) => explainRule(rule, question));
  const base = { action, target, policy: policy.version, rules };
  if (Authorization.isOne(decision)) {
    const allowed = {
      ...base,
      verdict: 'allowed' as const,
      because: allowedBy(decision, policy.targets.get(target)),
    };
    return { ...allowed, ...passingBy(decision, policy.targets.get(target)) };
  }
  const verdict = decision.code === 'approval-required' ? 'requestable' : 'denied';
  return { ...base, verdict, because: deniedBy(decision, question), hint: decision.hint };
}

/**
 * The same for whoever asks beforehand: no connection has proved a device yet, and where none is named the login is still to be chosen.
 * What they can see to themselves is taken to be so where it would help, and `because` says which it is.
 */
export function explainBeforehand(question: Question<'connect'>): Explanation {
  const plain = explain(question);
  if (plain.verdict === 'allowed') return plain;
  const other = assumptions(question)
    .map(({ context, words: assumed }) => {
      const found = explain({ ...question, context });
      return { ...found, because: `${found.because}, ${assumed}` };
    })
    .filter(({ verdict }) => verdict === 'allowed' || plain.verdict === 'denied');
  return (
    other.find(({ verdict }) => verdict === 'allowed') ??
    other.find(({ verdict }) => verdict === 'requestable') ??
    plain
  );
}

interface Assumption {
  readonly context: Context;
  readonly words: string;
}

/** What asks for least comes first. */
function assumptions(question: Question<'connect'>): readonly Assumption[] {
  const { context = {}, principal } = question;
  const owner = personOf(principal);
  const device = { registered: { id: '', owner, name: '', fido: true, attested: false } };
  const devices: Assumption[] = [{ context, words: '' }];
  if (context.device === undefined)
    devices.push(
      { context: { ...context, device }, words: 'from a registered device of yours' },
      {
        context: { ...context, device, userVerified: true },
        words: 'with the FIDO key of a registered device of yours that verifies its user',
      },
    );
  const tasks: readonly (ComingTask | undefined)[] =
    context.task === undefined ? [undefined, ...wantedTasks(question)] : [undefined];
  const logins = context.login === undefined ? [undefined, ...wantedLogins(question)] : [undefined];
  const all = tasks.flatMap((task) =>
    logins.flatMap((login) =>
      devices.map((one) => asTask(login === undefined ? one : asLogin(one, login), task)),
    ),
  );
  return all.filter(({ words: assumed }) => assumed !== '');
}

function asLogin({ context, words: assumed }: Assumption, login: string): Assumption {
  const as = `as the login ${login}`;
  return { context: { ...context, login }, words: assumed === '' ? as : `${as} ${assumed}` };
}

function asTask({ context, words: assumed }: Assumption, task: ComingTask | undefined): Assumption {
  if (task === undefined) return { context, words: assumed };
  const as = `as the task ${task.workflow}/${task.task} of a run`;
  return { context: { ...context, task }, words: assumed === '' ? as : `${as} ${assumed}` };
}

/** Those that rules want and that they may run: which run it is makes no difference to a rule. */
function wantedTasks({ policy, principal, target }: Question): readonly ComingTask[] {
  const wanted = policy.rules.flatMap(({ when }) => when?.task ?? []);
  return runnableAt(target, principal, policy)
    .filter((one) => isTask(wanted, one))
    .slice(0, TASKS_TRIED)
    .map(({ workflow, task }) => ({ run: '', workflow, digest: '', task }));
}

const TASKS_TRIED = 10;

function wantedLogins(question: Question): readonly string[] {
  const obstacles = question.policy.rules.flatMap((rule) => partObstacles(rule, question));
  return [...new Set(obstacles.flatMap((one) => (one.kind === 'login' ? one.wanted : [])))];
}

function explainRule(rule: Rule, question: Question): RuleExplanation {
  const obstacles = obstaclesOf(rule, question);
  return {
    rule: rule.name,
    effect: rule.deny === undefined ? 'allow' : 'deny',
    applies: obstacles.length === 0,
    because: [...new Set(obstacles.map((obstacle) => words(obstacle, rule, question)))],
  };
}

function allowedBy({ rule, grant, action, terms }: Authorization, target: Target | undefined): string {
  const how = action === 'connect' ? `${watchedWords(terms)}${sandboxWords(target)}` : '';
  if (grant === undefined) return `the rule ${rule} allows it${how}`;
  return `the rule ${rule} allows it with the grant ${grant.id}, until ${grant.until.toISOString()}${how}`;
}

function passingBy(
  { action, terms }: Authorization,
  target: Target | undefined,
): { passes?: readonly string[] } {
  if (action !== 'connect' || target === undefined) return {};
  const passes = protocolOf(target).passes?.(terms);
  return passes === undefined ? {} : { passes };
}

function sandboxWords(target: Target | undefined): string {
  const sandbox = target?.sandbox;
  if (sandbox === undefined) return '';
  return sandbox === true ? '; it is a sandbox' : `; it is a sandbox made of ${sandbox.from}`;
}

function watchedWords({ moderated }: Rule): string {
  return moderated === undefined ? '' : `, while somebody of ${moderated.by.any.join(' or ')} watches`;
}

function deniedBy(refusal: Refusal, question: Question): string {
  const { policy, principal, target } = question;
  if (refusal.code === 'token-invalid') return refusal.message;
  if (isForeign(policy, principal)) return 'their issuer is not in the configuration';
  if (isDisabled(policy, principal)) return 'this person is disabled in the configuration';
  const deny = policy.rules.find(
    (rule) => rule.deny !== undefined && obstaclesOf(rule, question).length === 0,
  );
  if (deny !== undefined) return `the rule ${deny.name} denies it`;
  if (refusal.code === 'approval-required') return refusal.message;
  if (!isKnownTarget(policy, question))
    return `there is no target ${shownTarget(target)} in the configuration`;
  return 'no rule allows it';
}

function isKnownTarget({ targets }: Config, { action, target }: Question): boolean {
  return targets.has(target) || action === 'administer';
}

function words(obstacle: Obstacle, rule: Rule, { action, target, principal, request }: Question): string {
  switch (obstacle.kind) {
    case 'action':
      return `it is not for ${action}`;
    case 'target':
      return `it is not for ${shownTarget(target)}`;
    case 'groups':
      return groupWords(rule, principal);
    case 'issuer':
      return `it is for tokens of ${rule.issuer}; this one is of ${principal.issuerName ?? shown([principal.issuer])}`;
    case 'claim':
      return claimWords(obstacle.claim, rule, principal);
    case 'acts':
      return action === 'approve' ? 'who acts for somebody decides about nothing' : actsWords(rule);
    case 'actor':
      return actorWords(rule, principal.actors![0]!);
    case 'no-actor':
      return 'it is for those who act for somebody, and nobody acts here';
    case 'sessions':
      return obstacle.whose === 'own'
        ? "it reaches one's own sessions only"
        : "it reaches one's own sessions, and those whose grant one approved";
    case 'not-a-reviewer':
      return 'its reviewers are of other groups';
    case 'own-request':
      return request!.requester.actors === undefined
        ? 'nobody decides about their own request'
        : 'nobody decides about what was asked for in their name, or what they asked for in the name of others';
    case 'other-wish':
      return action === 'request'
        ? 'it has nothing to ask for in this way'
        : 'the request is by another rule';
    case 'contract':
      return "the task's contract asks nobody by now, or this session is not that task";
    case 'when':
      return conditionWords(obstacle.condition, rule.when ?? {});
    case 'login':
      return `it is for the login ${obstacle.wanted.join(' or ')}; ${askedLogin(obstacle.login)}`;
    case 'touch':
      return 'it wants a FIDO key that verifies its user for each session';
    case 'token-over':
      return 'the token has expired, and the rule ends a session with it';
    case 'device-over':
      return "the device's certificate has expired";
    case 'too-long':
      return 'the session has lasted as long as it may';
    case 'needs-grant':
      return obstacle.state === undefined
        ? 'it needs a grant'
        : `it needs a grant; the last one is ${obstacle.state}`;
  }
}

function askedLogin(login: string | undefined): string {
  return login === undefined ? 'none was named' : `this is ${shown([login])}`;
}

function groupWords(rule: Rule, { groups, workload, groupsOmittedByIssuer }: Principal): string {
  if (rule.groups.includes('*') && workload === true)
    return 'it is for people: a rule for machines names their issuer or their groups';
  const omitted = groupsOmittedByIssuer === true ? ', and others that the identity provider left out' : '';
  return `it is for ${rule.groups.join(', ')}; the groups are ${shown(groups)}${omitted}`;
}

function claimWords(claim: string, rule: Rule, principal: Principal): string {
  const values = [valueOf(claim, principal) ?? []].flat();
  const wanted = rule.claims![claim]!.join(' or ');
  const found = values.length === 0 ? 'is not in the token' : `is ${shown(values)}`;
  return `the claim ${claim} ${found}, and it is for ${wanted}`;
}

function actsWords({ breakGlass }: Rule): string {
  return breakGlass === undefined ? 'it lets nobody act for others' : 'no agent breaks a glass';
}

function actorWords({ actor }: Rule, { subject, issuer }: Actor): string {
  const found = `${shown([subject])} of ${shown([issuer])} is none of those that may act for others by it`;
  if (actor === undefined || actor === 'any') return found;
  return `${found}: ${actor.subject.join(' or ')} of ${actor.issuer ?? "the token's own issuer"}`;
}

/** An issuer's words: nothing of them reaches a terminal but what can be seen (security case 18). */
function shown(words: readonly string[]): string {
  const [most, more] = [words.slice(0, WORDS_SHOWN), words.length - WORDS_SHOWN];
  const seen = most.map((word) => word.slice(0, WORD_MAX).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '?'));
  return [...seen, ...(more > 0 ? [`and ${more} more`] : [])].join(', ') || 'none';
}

const WORDS_SHOWN = 20;
const WORD_MAX = 120;
