import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { explainBeforehand } from '#core/access/explain.ts';
import { NOW, principal } from './support.ts';

const KEY = `ssh-ed25519 ${'A'.repeat(68)}`;
const WEB = 'name: web, groups: [developers], targets: [web-1], allow: [connect]';
const ASK = 'approval: { reviewers: { any: [leads] }, maxDuration: 4h }';

function answer(rule: string, login?: string, more = ''): string {
  const policy = parseConfig(
    `version: 1
identity: { issuer: "https://id.example", audience: custody }
targets:
  web-1: { protocol: ssh, address: "web.internal:22", hostKeys: ["${KEY}"], logins: { deploy: { keyFile: a }, root: { keyFile: b } } }
rules:
  - { ${rule} }
${more}`,
    'custody.yaml',
  );
  const context = login === undefined ? {} : { login };
  const about = { policy, principal: principal('dana', ['developers']), action: 'connect' as const, context };
  const { verdict, because } = explainBeforehand({ ...about, target: 'web-1', now: NOW });
  return `${verdict}: ${because}`;
}

describe('what is said before anybody connects', () => {
  it.each([
    [WEB, undefined, 'allowed: the rule web allows it'],
    [
      `${WEB}, when: { device: registered }`,
      undefined,
      'allowed: the rule web allows it, from a registered device of yours',
    ],
    [
      `${WEB}, when: { device: verified }`,
      undefined,
      'allowed: the rule web allows it, with the FIDO key of a registered device of yours that verifies its user',
    ],
    [`${WEB}, ssh: { logins: [deploy] }`, undefined, 'allowed: the rule web allows it, as the login deploy'],
    [`${WEB}, ssh: { logins: [deploy] }`, 'deploy', 'allowed: the rule web allows it'],
    [`${WEB}, ssh: { logins: [deploy] }`, 'root', 'denied: no rule allows it'],
    [
      `${WEB}, when: { device: registered }, ssh: { logins: [deploy] }`,
      undefined,
      'allowed: the rule web allows it, as the login deploy from a registered device of yours',
    ],
    [`${WEB}, when: { mfa: required, device: registered }`, undefined, 'denied: no rule allows it'],
    [
      `${WEB}, when: { device: registered }, ${ASK}`,
      undefined,
      'requestable: access to "web-1" needs an approval',
    ],
  ])('of { %s } as %s: %s', (rule, login, expected) => {
    expect(answer(rule, login)).toBe(expected);
  });

  it('says nothing good where a rule denies', () => {
    const deny = '  - { name: never, groups: [developers], targets: [web-1], deny: [connect] }';
    expect(answer(`${WEB}, when: { device: registered }`, undefined, deny)).toBe(
      'denied: the rule never denies it',
    );
  });
});
