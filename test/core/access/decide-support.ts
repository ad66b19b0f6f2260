import { type Authorization, decide, type Question, type Refusal } from '#core/access/decide.ts';
import type { AccessRequest } from '#core/access/request.ts';
import { grantedRequest, idOf, issuersOf, NOW, person, policyOf, principal, requestOf } from './support.ts';

const OF_RULES = policyOf([
  `name: ask, groups: [developers], targets: [orders-db], allow: [connect], approval: { reviewers: { any: [leads, owners] }, maxDuration: 4h }`,
  `name: ask-exact, groups: [scripts], targets: [orders-db], allow: [connect], approval: { reviewers: { all: [leads, owners] }, maxDuration: 1h, statements: exact, wait: 2m }`,
  `name: glass, groups: [on-call], targets: ['*'], allow: [connect], breakGlass: { reviewers: { any: [owners] }, maxDuration: 30m }`,
  `name: bots, groups: [bots], targets: [orders-db], allow: [connect], when: { tasks: [deploy] }, session: { maxDuration: 1h, endsWithToken: true }`,
  `name: office, groups: [office], targets: [orders-db], allow: [connect, replay], when: { networks: [10.0.0.0/8], hours: { days: [mon], from: '08:00', to: '18:00', zone: Europe/Zurich }, device: bound, mfa: required }`,
  `name: own, groups: ['*'], targets: ['*'], allow: [replay, rerun]`,
  `name: operators, groups: [operators], targets: [orders-db], allow: [terminate, rerun], sessions: any`,
  `name: admins, groups: [admins], targets: ['*'], allow: [administer, export], sessions: any`,
  `name: not-from-there, groups: ['*'], targets: ['*'], deny: [connect, request, approve, administer], when: { networks: [192.0.2.0/24] }`,
  `name: never-payroll, groups: [contractors], targets: [payroll-db], deny: [connect, request, approve, replay, export, terminate, rerun]`,
]);
export const POLICY = { ...OF_RULES, issuers: issuersOf() };
export const HOME = { network: '198.51.100.7' };

export const dana = principal('dana', ['developers'], { email: 'dana@example.com' });
export const lee = principal('lee', ['leads']);
export const oncall = principal('oncall', ['on-call']);
export const admin = principal('adam', ['admins']);
export const operator = principal('olga', ['operators']);

export function ask(question: Partial<Question>): Authorization | Refusal {
  const base = { policy: POLICY, principal: dana, action: 'connect', target: 'orders-db', now: NOW } as const;
  return decide({ ...base, context: HOME, ...question });
}

/** The rule that allowed it, and the grant where it rests on one; or the refusal's code. */
export function answer(question: Partial<Question>): string {
  const decision = ask(question);
  if ('code' in decision) return decision.code;
  return decision.grant === undefined ? decision.rule : `${decision.rule} by ${decision.grant.id}`;
}

export type Row = readonly [what: string, question: Partial<Question>, answer: string];
export const GRANT = `ask by ${idOf(1)}`;
export const byDana = (more: Partial<AccessRequest> = {}) =>
  requestOf({ requester: person('dana'), ...more });
export const grant = (more: Partial<AccessRequest> = {}) => ({ grants: [grantedRequest(more)] });
