import { describe, expect, it } from 'vitest';
import { parseConfig } from '#core/access/config.ts';
import { moderatorsOf, watcherOf } from '#core/access/presence.ts';
import type { Principal } from '#core/identity/principal.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const ISSUER = 'https://id.example';

const yaml = (rule: string): string => `version: 1
identity: { issuer: ${ISSUER}, audience: custody }
targets:
  vault:
    protocol: postgres
    address: vault.internal:5432
    database: main
    credential: { user: app, passwordFile: secret }
rules:
  - ${rule}
`;
const POLICY = parseConfig(
  yaml(
    '{ name: watched, groups: [developers], targets: [vault], allow: [connect], moderated: { by: { any: [reviewers] } } }',
  ),
  'custody.yaml',
);
const { moderated } = POLICY.rules[0]!;

function person(subject: string, more: Partial<Principal> = {}): Principal {
  return { issuer: ISSUER, subject, groups: ['reviewers', 'others'], expiresAt: NOW, ...more };
}

/** Whether this one's watching makes that the session may run. */
function counts(watcher: Principal, of: Partial<Principal> = {}, now = NOW): boolean {
  const principal = person('dana', { groups: ['developers'], email: 'dana@example.com', ...of });
  return moderatorsOf(moderated!, { principal, now }, [watcherOf(watcher, 's', POLICY, NOW)]).length === 1;
}

describe('who makes that a moderated session may run', () => {
  it('is somebody of the groups, for ten seconds after they were seen', () => {
    expect(counts(person('rui'))).toBe(true);
    expect(counts(person('rui', { groups: ['developers'] }))).toBe(false);
    expect(counts(person('rui'), {}, new Date(NOW.getTime() + 9_999))).toBe(true);
    expect(counts(person('rui'), {}, new Date(NOW.getTime() + 10_000))).toBe(false);
  });

  it("security case 11 is for watching too: it is never the session's own person, nor who acts for them", () => {
    expect(counts(person('dana'))).toBe(false);
    expect(counts(person('dana-2', { email: 'Dana@Example.com' }))).toBe(false);
    expect(counts(person('dana-3', { unverifiedEmail: 'dana@example.com' }))).toBe(false);
    expect(counts(person('agent-7'), { actors: [{ issuer: ISSUER, subject: 'agent-7' }] })).toBe(false);
    expect(counts(person('rui', { actors: [{ issuer: ISSUER, subject: 'agent-9' }] }))).toBe(false);
  });

  it('of a group only what rules name is kept', () => {
    expect(watcherOf(person('rui'), 's', POLICY, NOW)).toMatchObject({
      by: { issuer: ISSUER, subject: 'rui' },
      groups: ['reviewers'],
      until: '2026-11-23T09:00:10.000Z',
    });
  });

  it('is asked for by rules that allow connect alone', () => {
    const wrong = yaml(
      '{ name: look, groups: [developers], targets: [vault], allow: [replay], moderated: { by: { any: [reviewers] } } }',
    );
    expect(() => parseConfig(wrong, 'custody.yaml')).toThrow(/moderated.*is for a rule that allows connect/);
  });
});
