import { CustodyError } from '#core/errors.ts';
import { isElsewhere } from '#core/identity/claims.ts';
import { principalOf } from '#core/identity/from-claims.ts';
import type { Principal } from '#core/identity/principal.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import * as tokens from '#test/support/provider-tokens.ts';
import type { FuzzTarget } from './target.ts';

type Claims = Readonly<Record<string, unknown>>;

const RULES = {
  issuer: 'https://id.example',
  groupsClaim: ['groups', 'realm_access.roles', 'groups_direct', 'cognito:groups'],
  foreignPrefixes: ['gh:'],
  keptClaims: ['repository', 'ref', 'kubernetes.io.serviceaccount.name', 'email', 'runner_id'],
};
const actedFor = {
  ...tokens.okta,
  act: { sub: 'agent-7', act: { sub: 'planner', iss: 'https://b.example' } },
};

/** Claims of a token whose signature is good: a principal says what is written there, and nothing is left out unseen. */
const claims: FuzzTarget = {
  name: 'identity-claims',
  seeds: () =>
    [...Object.values(tokens).filter((seed) => typeof seed === 'object'), actedFor].map((seed) =>
      Buffer.from(JSON.stringify(seed)),
    ),
  run: (bytes) => {
    const given = survive(() => parseJsonBytes(bytes, 64 << 10));
    if (!isJsonObject(given)) return;
    const principal = survive(() => principalOf(given, RULES, undefined));
    if (principal !== undefined) check(principal, given);
  },
};

export const targets: readonly FuzzTarget[] = [claims];

function check({ subject, groups, actors = [], claims: kept = {} }: Principal, given: Claims): void {
  const text = JSON.stringify(given);
  if (subject !== given['sub']) throw new Error('somebody else');
  if (groups.some((group) => group.startsWith('gh:'))) throw new Error("another issuer's group");
  if (groups.some((group) => !text.includes(JSON.stringify(group)))) throw new Error('a group of nobody');
  if (actors.length !== chainOf(given)) throw new Error('an actor that is not seen');
  const isHere = (name: string) => name !== 'email' && !isElsewhere(given, name);
  if (RULES.keptClaims.some((name) => isHere(name) && !Object.hasOwn(kept, name)))
    throw new Error('a claim that is not looked at');
}

function chainOf(claims: Claims): number {
  const { act } = claims;
  return isJsonObject(act) ? 1 + chainOf(act) : 0;
}

function survive<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof CustodyError && ['token-invalid', 'format-invalid'].includes(error.code))
      return undefined;
    throw error;
  }
}
