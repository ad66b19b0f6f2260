import { describe, expect, it } from 'vitest';
import type { Context } from '#core/access/conditions.ts';
import { parseConfig } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import type { Principal } from '#core/identity/principal.ts';

const NOW = new Date('2026-11-23T09:00:00.000Z');
const ISSUER = 'https://id.example';
const policy = (when: string, effect = 'allow') =>
  parseConfig(
    `version: 1
identity: { issuer: "${ISSUER}", audience: c }
targets:
  db: { protocol: postgres, address: "db:5432", database: d, credential: { user: u, passwordFile: p } }
rules:
  - { name: open, groups: [developers], targets: [db], allow: [connect]${effect === 'allow' ? `, when: { device: ${when} }` : ''} }
${effect === 'allow' ? '' : `  - { name: shut, groups: ["*"], targets: [db], deny: [connect], when: { device: ${when} } }`}
`,
    'c',
  );
const dana: Principal = {
  issuer: ISSUER,
  subject: 'dana',
  email: 'dana@example.com',
  groups: ['developers'],
  expiresAt: new Date(NOW.getTime() + 1),
};
const from = (owner: Partial<Principal>, more: Context = {}): Context => ({
  ...more,
  device: {
    registered: { id: 'SHA256:x', owner: { ...dana, ...owner }, name: 'n', fido: true, attested: false },
  },
});
const question = (when: string, context: Context, effect?: string, principal = dana) => ({
  policy: policy(when, effect),
  principal,
  action: 'connect' as const,
  target: 'db',
  now: NOW,
  context,
});
const may = (...asked: Parameters<typeof question>) => Authorization.isOne(decide(question(...asked)));

describe('a rule for devices', () => {
  it('registered: lets in with a device of the very person, and with nothing less (security case 3)', () => {
    expect(may('registered', from({}))).toBe(true);
    expect(may('registered', from({ subject: 'eve' }))).toBe(false);
    expect(may('registered', from({ issuer: 'https://other.example' }))).toBe(false);
    expect(may('registered', { device: { proved: { key: 'SHA256:x', proof: 'ssh-key' } } })).toBe(false);
    expect(may('registered', { device: {} })).toBe(false);
    expect(may('registered', {})).toBe(false);
    const bound = { ...dana, device: { key: 'SHA256:x', proof: 'tls-certificate' as const } };
    expect(may('registered', { device: {} }, 'allow', bound)).toBe(false);
    expect(may('bound', from({}))).toBe(false);
  });

  it('verified: wants its user verified, too', () => {
    expect(may('verified', from({}))).toBe(false);
    expect(may('verified', from({}, { userVerified: true }))).toBe(true);
    expect(may('verified', { device: {}, userVerified: true })).toBe(false);
  });

  it('that denies counts what nobody could see against them, and nothing that was seen', () => {
    expect(may('registered', {}, 'deny')).toBe(false);
    expect(may('registered', { device: {} }, 'deny')).toBe(true);
    expect(may('registered', from({}), 'deny')).toBe(false);
  });

  it.each([
    ['registered', /did not prove the key of a registered device of yours/],
    ['verified', /FIDO key of a registered device of yours/],
    ['bound', /not bound to a device/],
  ])('%s: is told to whom it does not let in', (when, words) => {
    expect(decide(question(when, { device: {} }))).toMatchObject({
      message: expect.stringMatching(words) as string,
    });
    expect(explain(question(when, { device: {} })).rules[0]!.because).toEqual([expect.stringMatching(words)]);
  });
});
