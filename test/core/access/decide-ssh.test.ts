import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide, type Question } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import { endingOf } from '#core/access/live.ts';
import type { CustodyError } from '#core/errors.ts';
import { grantedRequest, NOW, principal } from './support.ts';

const KEY = `ssh-ed25519 ${'A'.repeat(68)}`;

function configOf(...rules: readonly string[]) {
  const logins = '{ deploy: { keyFile: deploy }, root: { keyFile: root } }';
  const target = (logins: string): string =>
    `{ protocol: ssh, address: "web.internal:22", hostKeys: ["${KEY}"], logins: ${logins} }`;
  const text = `version: 1
identity: { issuer: "https://id.example", audience: custody }
targets:
  web-1: ${target(logins)}
  one: ${target('{ deploy: { keyFile: deploy } }')}
  orders-db: { protocol: postgres, address: "db.internal:5432", database: main, credential: { user: app, passwordFile: secret } }
rules: [${rules.map((rule) => `\n  { ${rule} }`).join(',')}]
`;
  return parseConfig(text, 'custody.yaml');
}

const DEPLOY =
  'name: deployers, groups: [developers], targets: ["*"], allow: [connect], ssh: { logins: [deploy] }';
const TOUCH =
  'name: touched, groups: [developers], targets: [web-1], allow: [connect], ssh: { touch: required }';
const ASK =
  'name: ask, groups: [developers], targets: [web-1], allow: [connect], ssh: { logins: [deploy] }, approval: { reviewers: { any: [leads] }, maxDuration: 4h }';

const dana = principal('dana', ['developers']);

function question(rule: string, more: Partial<Question<'connect'>> = {}): Question<'connect'> {
  return { policy: configOf(rule), principal: dana, action: 'connect', target: 'web-1', now: NOW, ...more };
}

function answer(rule: string, more: Partial<Question<'connect'>> = {}): string {
  const decision = decide(question(rule, more));
  return Authorization.isOne(decision) ? decision.rule : `${decision.code}: ${decision.message}`;
}

describe('decide, about logins of a target (security case 9)', () => {
  it('lets in by the logins that the rule names', () => {
    expect(answer(DEPLOY, { context: { login: 'deploy' } })).toBe('deployers');
  });

  it('refuses every other, in words that say which the rule is for', () => {
    expect(answer(DEPLOY, { context: { login: 'root' } })).toBe(
      'access-denied: the rule deployers does not let you connect to "web-1" now: it is for the login deploy',
    );
  });

  it('does not take a login that nobody named for one that the rule names', () => {
    expect(answer(DEPLOY, { context: {} })).toContain('access-denied');
    expect(answer(DEPLOY)).toContain('access-denied');
  });

  it('knows the login of a target that has only one', () => {
    expect(answer(DEPLOY, { target: 'one' })).toBe('deployers');
  });

  it('leaves targets of other protocols alone', () => {
    expect(answer(DEPLOY, { target: 'orders-db' })).toBe('deployers');
  });

  it('asks for no approval that would not help', () => {
    expect(answer(ASK, { context: { login: 'root' } })).toBe(
      'access-denied: the rule ask does not let you connect to "web-1" now: it is for the login deploy',
    );
    expect(answer(ASK, { context: { login: 'deploy' } })).toContain('approval-required');
    const grants = [grantedRequest({ target: 'web-1', requester: { issuer: dana.issuer, subject: 'dana' } })];
    expect(answer(ASK, { context: { login: 'deploy' }, grants })).toBe('ask');
    expect(answer(ASK, { context: { login: 'root' }, grants })).toContain('access-denied');
  });

  it('is explained', () => {
    const [rule] = explain(question(DEPLOY, { context: { login: 'root' } })).rules;
    expect(rule!.because).toEqual(['it is for the login deploy; this is root']);
  });

  it('ends a session whose login the rule has no more', () => {
    const live = { session: 's', rule: 'deployers', startedAt: NOW };
    const running = { ...question(DEPLOY, { context: { login: 'root' } }), live };
    expect(endingOf(running)?.reason).toBe('revoked');
    expect(endingOf({ ...running, context: { login: 'deploy' } })).toBeUndefined();
  });
});

describe('decide, where a touch is required', () => {
  it('lets in whose authenticator verified its user', () => {
    expect(answer(TOUCH, { context: { userVerified: true } })).toBe('touched');
  });

  it('refuses everybody else and says what is wanted', () => {
    expect(answer(TOUCH)).toContain('it wants a FIDO key that verifies its user');
    const [rule] = explain(question(TOUCH)).rules;
    expect(rule!.because).toEqual(['it wants a FIDO key that verifies its user for each session']);
  });
});

describe('the part for SSH of a rule', () => {
  const mistake = (rule: string): string => {
    try {
      configOf(rule);
      return '';
    } catch (error) {
      return (error as CustodyError).message;
    }
  };
  const rule = (more: string): string => `name: r, groups: [developers], ${more}`;

  it.each([
    ['targets: [orders-db], allow: [connect], ssh: {}', 'none of the targets of this rule speaks SSH'],
    ['targets: [web-1], allow: [replay], ssh: {}', 'is for a rule that allows connect'],
    ['targets: [web-1], deny: [connect], ssh: {}', 'is for a rule that allows connect'],
    [
      'targets: [one], allow: [connect], ssh: { logins: [deploy, root] }',
      'no target of this rule has the login "root"',
    ],
    [
      'targets: [web-1], allow: [connect], ssh: { files: {} }, approval: { reviewers: { any: [leads] }, maxDuration: 1h, statements: exact }',
      'nothing but the approved commands passes',
    ],
    [
      'targets: [web-1], allow: [connect], ssh: { forward: { agent: true } }, approval: { reviewers: { any: [leads] }, maxDuration: 1h, statements: exact }',
      'nothing but the approved commands passes',
    ],
  ])('is refused where it means nothing: %s', (more, words) => {
    expect(mistake(rule(more))).toContain(words);
  });

  it('is taken where one of the targets speaks SSH', () => {
    expect(mistake(rule('targets: [orders-db, web-1], allow: [connect], ssh: { logins: [root] }'))).toBe('');
  });
});
