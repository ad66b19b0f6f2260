import type { Config, Rule, Target } from '#core/access/config.ts';
import type { ConfigOverview } from './shapes.ts';

const DAY_MS = 86_400_000;

/** What the file says of targets, rules and issuers, as people look at it: no credential, nor where one is kept. */
export function configOverview({
  issuers,
  targets,
  rules,
}: Config): Pick<ConfigOverview, 'issuers' | 'targets' | 'rules'> {
  return {
    issuers: issuers.map(({ name, issuer, kind, audience, groupsPrefix }) => {
      return { name, issuer, kind, audience, groupsPrefix };
    }),
    targets: [...targets.values()].map(targetOverview),
    rules: rules.map(ruleOverview),
  };
}

function targetOverview(target: Target): ConfigOverview['targets'][number] {
  const { name, protocol, address, sandbox, recording } = target;
  const { durability, windowMs, retention } = recording;
  return {
    name,
    protocol,
    ...(address === undefined ? {} : { address: `${address.host}:${address.port}` }),
    ...('logins' in target ? { logins: Object.keys(target.logins) } : {}),
    ...(typeof sandbox === 'object' ? { sandboxOf: sandbox.from } : {}),
    durability,
    ...(durability === 'windowed' ? { windowMs } : {}),
    keepDays: retention.keep / DAY_MS,
  };
}

function ruleOverview(rule: Rule): ConfigOverview['rules'][number] {
  const { name, allow, deny, targets, groups, issuer, sessions, when = {}, actor } = rule;
  const needs = needsOf(rule);
  return {
    name,
    effect: deny === undefined ? 'allow' : 'deny',
    actions: deny ?? allow ?? [],
    targets,
    groups,
    ...(issuer === undefined ? {} : { issuer }),
    sessions,
    ...(needs === undefined ? {} : { needs }),
    when: Object.keys(when),
    forActors: actor !== undefined,
  };
}

function needsOf({ approval, breakGlass }: Rule): ConfigOverview['rules'][number]['needs'] {
  if (breakGlass !== undefined)
    return { kind: 'break-glass', approvals: 0, reviewers: breakGlass.reviewers.any };
  if (approval === undefined) return undefined;
  const reviewers = Object.values(approval.reviewers).flat();
  return { kind: 'approval', approvals: approval.approvals, reviewers };
}
