import { describe, expect, it } from 'vitest';
import { type Config, parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { endingOf, type LiveQuestion } from '#core/access/live.ts';
import { ISSUER, idOf, NOW, principal } from './support.ts';

function policyOf(kubernetes: string, more = ''): Config {
  const text = `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  prod: { protocol: kubernetes, address: "10.0.0.1:443", tls: { caFile: ca.pem }, credential: { tokenFile: token } }
rules:
  - { name: work, groups: [developers], targets: [prod], allow: [connect], kubernetes: ${kubernetes}${more} }
`;
  return parseConfig(text, 'custody.yaml');
}

const AS = `{ as: { groups: [g] }, calls: [{ verbs: [read] }] }`;
const question = {
  principal: principal('dana', ['developers'], { email: 'dana@example.com' }),
  action: 'connect',
  target: 'prod',
  now: NOW,
  context: {},
  grants: [],
} as const;

/** A session that was opened under the rule as it was, while the rule is another. */
function live(policy: Config): LiveQuestion {
  const opened = decide({ ...question, policy: policyOf(AS) });
  if (!Authorization.isOne(opened)) throw new Error('not allowed');
  const session = { session: idOf(7), rule: 'work', startedAt: NOW, terms: opened.terms };
  return { ...question, policy, live: session };
}

describe('a session of calls', () => {
  it.each([
    ['as whom', `{ as: { groups: [h] }, calls: [{ verbs: [read] }] }`],
    ['what passes', `{ as: { groups: [g] }, calls: [{ verbs: [list] }] }`],
    [
      'what is denied',
      `{ as: { groups: [g] }, calls: [{ verbs: [read] }], deny: [{ resources: [secrets] }] }`,
    ],
  ])('ends when its rule says something else: %s', (_, now) => {
    expect(endingOf(live(policyOf(now)))).toMatchObject({
      reason: 'revoked',
      error: { message: 'the access rule says something else by now; connect again' },
    });
  });

  it('goes on when custody.yaml is read anew, whatever else is another', () => {
    expect(endingOf(live(policyOf(AS)))).toBeUndefined();
    expect(endingOf(live(policyOf(AS, ', session: { maxDuration: 1h }')))).toBeUndefined();
  });
});
