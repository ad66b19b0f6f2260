import { type Conditions, holdAll } from './conditions.ts';
import { type Context, contextOf, filledIn, isLike, isLikeArn, type Keys } from './patterns.ts';

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, string | readonly string[]>>;
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  /** None in a role's own policy of who takes it. */
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Conditions;
}

export type Policy = readonly Statement[];

/** Who calls: a role by its ARN, a service by its name, or the principal of another account. */
export type Caller = { readonly arn: string } | { readonly service: string };

export interface Call {
  readonly caller: Caller;
  readonly action: string;
  readonly resource: string;
  /** Of the resource: the ARN of a bucket says none. */
  readonly account: string;
  readonly context: Keys;
}

/** All policies that have to do with a call. */
export interface Policies {
  /** Of the caller. */
  readonly identity: Policy;
  /** Of the resource, where it has one. */
  readonly resource: Policy;
  /** Each of them has to allow what the others give: permissions boundaries, policies of VPC endpoints, of organizations. */
  readonly bounds?: readonly Policy[];
  /**
   * A key's or a role's own policy has the last word: what it does not allow, nobody may.
   * https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
   */
  readonly ownPolicyDecides?: boolean;
}

/** The way AWS decides: a Deny of any policy first. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html */
export function isAllowed(call: Call, policies: Policies): boolean {
  const { identity, resource, bounds = [] } = policies;
  const asked = askedOf(call);
  const all = [identity, resource, ...bounds].flat();
  if (all.some((statement) => statement.Effect === 'Deny' && applies(statement, asked))) return false;
  if (!bounds.every((bound) => allows(bound, asked))) return false;
  const byOwn = allows(identity, asked);
  const [direct, delegated] = allowedBy(resource, asked);
  // A service has no policy of its own.
  if ('service' in call.caller) return direct;
  if (policies.ownPolicyDecides) return (direct && isOfAccount(call)) || ((direct || delegated) && byOwn);
  return isOfAccount(call) ? direct || byOwn : (direct || delegated) && byOwn;
}

/** Whether an Allow has to do with a call: one that no call needs is one too many. */
export function isFor(statement: Statement, call: Call): boolean {
  return applies(statement, askedOf(call));
}

interface Asked extends Omit<Call, 'context'> {
  readonly context: Context;
}

/** With what AWS adds to each call. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html */
function askedOf(call: Call): Asked {
  const own: Keys =
    'service' in call.caller
      ? { 'aws:PrincipalIsAWSService': 'true' }
      : { 'aws:PrincipalArn': call.caller.arn, 'aws:PrincipalAccount': accountOf(call.caller.arn) };
  return { ...call, context: contextOf(own, { 'aws:ResourceAccount': call.account }, call.context) };
}

function accountOf(arn: string): string {
  return arn.split(':')[4]!;
}

function isOfAccount({ caller, account }: Pick<Call, 'caller' | 'account'>): boolean {
  return 'arn' in caller && accountOf(caller.arn) === account;
}

function allows(policy: Policy, asked: Asked): boolean {
  return policy.some((statement) => statement.Effect === 'Allow' && applies(statement, asked));
}

/** Whether a resource's policy allows the caller, and whether it leaves that to the caller's account. */
function allowedBy(policy: Policy, asked: Asked): [direct: boolean, delegated: boolean] {
  const found = policy.filter((statement) => statement.Effect === 'Allow' && applies(statement, asked));
  const names = found.map(({ Principal }) => namedBy(Principal, asked));
  return [names.includes('directly'), names.includes('by account')];
}

function applies(statement: Statement, asked: Asked): boolean {
  return (
    (statement.Principal === undefined || namedBy(statement.Principal, asked) !== undefined) &&
    isOneOf(statement.Action, statement.NotAction, (action) => isLike(action, asked.action, 'folded')) &&
    isOneOf(statement.Resource, statement.NotResource, (resource) => isAt(resource, asked)) &&
    holdAll(statement.Condition ?? {}, asked.context)
  );
}

/** Of what is listed, or of all but what is listed; a policy that lists neither is about what it is attached to. */
function isOneOf(
  listed: string | readonly string[] | undefined,
  others: string | readonly string[] | undefined,
  matches: (one: string) => boolean,
): boolean {
  if (others !== undefined) return ![others].flat().some(matches);
  return listed === undefined || [listed].flat().some(matches);
}

function isAt(resource: string, asked: Asked): boolean {
  const filled = filledIn(resource, asked.context);
  return filled !== undefined && isLikeArn(filled, asked.resource);
}

/** `*` and `{"AWS": "*"}` are the same: everybody. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
function namedBy(
  principal: Statement['Principal'],
  { caller }: Asked,
): 'directly' | 'by account' | undefined {
  if (principal === undefined || principal === '*') return 'directly';
  const { AWS = [], Service = [] } = principal;
  const persons = [AWS].flat();
  if (persons.includes('*')) return 'directly';
  if ('service' in caller) return [Service].flat().includes(caller.service) ? 'directly' : undefined;
  if (persons.includes(caller.arn)) return 'directly';
  const account = accountOf(caller.arn);
  const isAccount = (one: string) =>
    one === account || /^arn:[\w-]+:iam::(\d+):root$/.exec(one)?.[1] === account;
  return persons.some(isAccount) ? 'by account' : undefined;
}
