import { describe, expect, it } from 'vitest';
import { type ClaimRules, principalOf } from '#core/identity/from-claims.ts';
import { callerOf } from '#lambdas/caller.ts';
import type { ApiEvent } from '#lambdas/http.ts';
import * as tokens from '#test/support/provider-tokens.ts';

/** As the authorizer hands it on, and API Gateway carries it: in a text. */
function handedOn(claims: Readonly<Record<string, unknown>>, rules: Partial<ClaimRules> = {}) {
  const device = {
    key: 'SHA256:x',
    proof: 'tls-certificate' as const,
    thumbprint: 'A'.repeat(43),
    expiresAt: new Date(1_800_000_000_000),
  };
  const all = { issuer: String(claims['iss']), name: 'it', groupsClaim: 'groups', ...rules };
  const principal = principalOf(claims, all, device);
  const event = { requestContext: { authorizer: { lambda: { principal: JSON.stringify(principal) } } } };
  return { principal, caller: callerOf(event as unknown as ApiEvent) };
}

describe('callerOf', () => {
  it.each<[string, Readonly<Record<string, unknown>>, Partial<ClaimRules>]>([
    ['a person', tokens.okta, {}],
    ['whose groups were left out', tokens.entraOverage, {}],
    ['whose address nobody vouches for', tokens.entra, { emailVerified: 'required' }],
    ['for whom somebody acts', { ...tokens.okta, act: { sub: 'agent-7', act: { sub: 'x', iss: 'y' } } }, {}],
    ['with a session at its issuer, and a task', tokens.auth0, { taskClaim: 'nickname' }],
    ['a workload', tokens.githubActions, { kind: 'workload', match: { ref: ['**'] }, keptClaims: ['no'] }],
    ['with lists of claims', tokens.gitlabJob, { keptClaims: ['groups_direct', 'constructor'] }],
  ])('is whom the token is of: %s', (_, claims, rules) => {
    const { principal, caller } = handedOn(claims, rules);
    expect(caller).toEqual(principal);
  });
});
