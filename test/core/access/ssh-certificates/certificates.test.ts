import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '#core/access/decide.ts';
import { identityFrom, identityText } from '#core/access/ssh-certificates/identity.ts';
import { sessionTerms } from '#core/access/ssh-certificates/terms.ts';
import type { Principal } from '#core/identity/principal.ts';
import { parseCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { caKeyOf, makeCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import { memorySigner } from '#test/support/memory-ports.ts';
import {
  CA,
  DANA,
  ISSUER,
  issue,
  KEY,
  later,
  NOW,
  newKey,
  POLICY,
  policyWith,
  proved,
  verifierAt,
} from './support.ts';

const INVALID = { code: 'token-invalid' };
const GUESS = { code: 'token-invalid', guess: true, message: 'the certificate is not valid here' };

describe('a certificate', () => {
  it('gives back all that the token said, for as long as it is good itself', async () => {
    const { certificate, issued } = await issue();
    const principal = await verifierAt().verify(certificate, proved(), '192.0.2.7');
    const end = later(8 * 3600);
    expect(principal).toEqual({
      ...DANA,
      expiresAt: end,
      device: { ...proved(), expiresAt: end },
      certificate: { serial: '7', key: KEY.fingerprint, issuedAt: NOW },
    });
    expect(issued).toEqual({
      serial: '7',
      key: KEY.fingerprint,
      keyId: 'dana@example.com',
      person: { issuer: ISSUER, subject: 'dana', email: 'dana@example.com' },
      issuedAt: NOW,
      expiresAt: end,
    });
    const question = { policy: POLICY, principal, action: 'connect' as const, target: 'web-1', now: NOW };
    expect(decide(question)).toMatchObject({ rule: 'work' });
  });

  it.each([
    ['what was asked', 600, policyWith(), 600],
    ['the longest of the file', 9 * 3600, policyWith(), 8 * 3600],
    ['the longest of the file', 9 * 3600, policyWith('ssh: { certificates: { maxDuration: 1h } }'), 3600],
    ['the token, where a rule of theirs ends with it', 600, endsWithToken('developers'), 300],
    ['what was asked, where such a rule is for others', 600, endsWithToken('auditors'), 600],
  ])('lasts as long as %s', async (_, asked, policy, seconds) => {
    const { issued } = await issue({ validMs: asked * 1000 }, { policy });
    expect(issued.expiresAt).toEqual(later(seconds));
  });

  it('is not made where it would be over', async () => {
    const principal = { ...DANA, expiresAt: later(-1), leeway: 60 };
    await expect(issue({}, { principal, policy: endsWithToken('developers') })).rejects.toMatchObject(
      INVALID,
    );
  });

  it('leaves out the groups that nobody’s token says: they are asked for anew', async () => {
    const principal = { ...DANA, groups: ['developers', 'oncall'], toldGroups: ['oncall'] };
    const { certificate } = await issue({}, { principal });
    expect((await verifierAt().verify(certificate, proved(), undefined)).groups).toEqual(['developers']);
  });

  it('of somebody in very many groups has those that rules name, and says that there are others', async () => {
    const others = Array.from({ length: 300 }, (_, n) => `a-group-with-a-long-name-${n}`);
    const { certificate } = await issue({}, { principal: { ...DANA, groups: [...others, 'developers'] } });
    const { groups, groupsOmittedByIssuer } = await verifierAt().verify(certificate, proved(), undefined);
    expect({ groups, groupsOmittedByIssuer }).toEqual({
      groups: ['developers'],
      groupsOmittedByIssuer: true,
    });
  });

  it('that KMS could not sign is refused in words', async () => {
    const claims = { roles: Array.from({ length: 300 }, (_, n) => `a-role-with-a-long-name-${n}`) };
    await expect(issue({}, { principal: { ...DANA, claims } })).rejects.toMatchObject({
      code: 'unsupported',
    });
  });
});

function endsWithToken(group: string) {
  const rule = `  - { name: short, groups: [${group}], targets: [web-1], allow: [connect], session: { endsWithToken: true } }`;
  return policyWith('', rule);
}

describe('is refused', () => {
  const verify = async (made = issue(), now = NOW, device = proved(), address = '192.0.2.7') =>
    verifierAt(now).verify((await made).certificate, device, address);

  it('after its end, and before its time', async () => {
    await expect(verify(issue({ validMs: 60_000 }), later(60))).rejects.toMatchObject(INVALID);
    await expect(verify(issue(), later(-61))).rejects.toMatchObject(INVALID);
    await expect(verify(issue(), later(-59))).resolves.toMatchObject({ subject: 'dana' });
  });

  it('from elsewhere than it says', async () => {
    const made = () => issue({ sourceAddress: '10.0.0.0/8,2001:db8::/32' });
    await expect(verify(made(), NOW, proved(), '10.9.8.7')).resolves.toMatchObject({ subject: 'dana' });
    await expect(verify(made(), NOW, proved(), '::ffff:10.9.8.7')).resolves.toMatchObject({
      subject: 'dana',
    });
    await expect(verify(made())).rejects.toMatchObject(INVALID);
    await expect(verifierAt().verify((await made()).certificate, proved(), undefined)).rejects.toMatchObject(
      INVALID,
    );
  });

  it('security case 2: with no key proved, another one, or one that was only offered by itself', async () => {
    const { certificate } = await issue();
    const wrong = [undefined, proved(newKey()), { ...proved(), proof: 'ssh-key' as const }];
    for (const device of wrong)
      await expect(verifierAt().verify(certificate, device, undefined)).rejects.toMatchObject(GUESS);
  });

  it('security case 1: of another CA, changed, of a plain key, or no certificate at all, and nobody learns which', async () => {
    const { certificate } = await issue();
    const other = verifierAt(NOW, POLICY, [caKeyOf(memorySigner().der)]);
    await expect(other.verify(certificate, proved(), undefined)).rejects.toMatchObject(GUESS);
    const changed = Uint8Array.from(certificate);
    changed[200]! ^= 1;
    for (const bytes of [changed, KEY.blob, new Uint8Array(), new Uint8Array(20_000)])
      await expect(verifierAt().verify(bytes, proved(), undefined)).rejects.toMatchObject(GUESS);
  });

  it('security case 1: for hosts, for another principal, without an identity, and with demands that nobody here knows', async () => {
    const content = {
      kind: 'user' as const,
      ...{ key: KEY, serial: 1n, keyId: 'k', principals: ['custody'] },
      validAfter: later(-60),
      validBefore: later(60),
      extensions: { 'identity@custody': identityText({ principal: DANA, certifiedAt: NOW }) },
    };
    await expect(made(content)).resolves.toMatchObject({ subject: 'dana' });
    const wrong = [
      { ...content, kind: 'host' as const },
      { ...content, principals: [] },
      { ...content, principals: ['root'] },
      { ...content, extensions: {} },
      { ...content, extensions: { 'identity@custody': '{}' } },
      { ...content, extensions: { 'identity@custody': 'no JSON' } },
      { ...content, criticalOptions: { 'no-such@example': '' } },
      { ...content, criticalOptions: { 'verify-required': '' } },
    ];
    for (const one of wrong)
      await expect(made(one), JSON.stringify(one.extensions)).rejects.toMatchObject(INVALID);
  });

  async function made(content: Parameters<typeof makeCertificate>[0]) {
    return verifierAt().verify(await makeCertificate(content, CA), proved(), undefined);
  }

  it('once its issuer is not the one of that name in the file any more, or takes other tokens', async () => {
    const { certificate } = await issue();
    const { issuers } = POLICY;
    const [own] = issuers;
    const others = [
      { ...own!, issuer: 'https://other.example' },
      { ...own!, name: 'renamed' },
      { ...own!, kind: 'workload' as const },
      { ...own!, match: { dept: ['it'] } },
    ];
    for (const issuer of others) {
      const policy = { ...POLICY, issuers: [issuer as never] };
      await expect(verifierAt(NOW, policy).verify(certificate, proved(), undefined)).rejects.toMatchObject(
        INVALID,
      );
    }
  });

  it('by nobody’s new CA as long as the old one is believed', async () => {
    const { certificate } = await issue();
    const both = verifierAt(NOW, POLICY, [caKeyOf(memorySigner().der), caKeyOf(CA.der)]);
    await expect(both.verify(certificate, proved(), undefined)).resolves.toMatchObject({ subject: 'dana' });
  });
});

describe('what a certificate demands of the session', () => {
  it('is its one command, and what it may ask for', async () => {
    const { certificate } = await issue({ forceCommand: 'backup --all', target: 'web-1' });
    const terms = sessionTerms(parseCertificate(certificate));
    expect(terms.forceCommand).toBe('backup --all');
    expect([...terms.permits]).toEqual(['X11-forwarding', 'agent-forwarding', 'port-forwarding', 'pty']);
    expect((await verifierAt().verify(certificate, proved(), undefined)).certificate?.target).toBe('web-1');
  });
});

describe('the identity in a certificate', () => {
  const text = fc.string({ unit: 'grapheme' });
  const time = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
  const principals: fc.Arbitrary<Principal> = fc.record(
    {
      issuer: text,
      issuerName: text,
      subject: text,
      email: text,
      unverifiedEmail: text,
      groups: fc.array(text),
      groupsOmittedByIssuer: fc.constant(true as const),
      claims: fc.dictionary(
        text.filter((name) => name !== '__proto__'),
        fc.oneof(text, fc.array(text)),
      ),
      actors: fc.array(fc.record({ issuer: text, subject: text }), { minLength: 1, maxLength: 3 }),
      mfa: fc.boolean(),
      workload: fc.constant(true as const),
      task: text,
      issuedAt: time,
      issuerSession: text,
      directoryId: text,
      leeway: fc.nat(),
      expiresAt: time,
    },
    { requiredKeys: ['issuer', 'subject', 'groups', 'expiresAt'] },
  );

  it('is read as it was written, and the same identity is the same text', () => {
    fc.assert(
      fc.property(principals, time, (principal, certifiedAt) => {
        const written = identityText({ principal, certifiedAt });
        expect(identityFrom(written)).toEqual({ principal, certifiedAt });
        const reversed = Object.fromEntries(Object.entries(principal).toReversed()) as unknown as Principal;
        expect(identityText({ principal: reversed, certifiedAt })).toBe(written);
      }),
    );
  });

  it('of another version, or with more in it, is refused', () => {
    const written = JSON.parse(identityText({ principal: DANA, certifiedAt: NOW })) as object;
    for (const change of [{ version: 2 }, { admin: true }, { groups: 'all' }, { certifiedAt: undefined }])
      expect(() => identityFrom(JSON.stringify({ ...written, ...change }))).toThrow(
        expect.objectContaining(INVALID),
      );
  });
});
