import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldKey } from '#core/identity/devices/registration.ts';
import { Keygen } from '#test/core/protocols/ssh/keys/keygen.ts';
import { MODEL, maker, SoftwareAuthenticator } from '#test/support/software-authenticator.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { answered, NOW } from './support.ts';

const CHALLENGE = 'custody-device-v1 something that nobody signed before';
const because = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string });

describe.runIf(hasOpenSsh())("a key of OpenSSH's own tool", () => {
  const keygen = new Keygen();
  afterAll(() => keygen.end());
  const sign = (name: string, namespace: string, text: string): string =>
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', name], {
      cwd: keygen.folder,
      input: text,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const registration = (name: string, namespace = 'custody-device', text = CHALLENGE) => ({
    name,
    publicKey: keygen.read(`${name}.pub`),
    challenge: CHALLENGE,
    signature: sign(name, namespace, text),
  });

  it.each([['ed25519'], ['ecdsa'], ['rsa']])('of type %s is held by who answers with it', (type) => {
    keygen.key(type, type);
    const held = heldKey(registration(type), {}, NOW);
    const [, fingerprint] = keygen.run('-l', '-f', `${type}.pub`).split(' ');
    expect(held).toEqual({
      id: fingerprint,
      publicKey: keygen.read(`${type}.pub`).split(' ').slice(0, 2).join(' '),
      kept: { fido: false, userVerified: false, attested: false },
    });
  });

  it('security case 2: is not held by who only has it, or a signature for something else', () => {
    keygen.key('own', 'ed25519');
    keygen.key('theirs', 'ed25519');
    const own = registration('own');
    const theirs = { ...own, publicKey: keygen.read('theirs.pub') };
    expect(() => heldKey(theirs, {}, NOW)).toThrow(because('format-invalid', /of another key/));
    expect(() => heldKey(registration('own', 'git'), {}, NOW)).toThrow(
      because('format-invalid', /made for git/),
    );
    const other = registration('own', 'custody-device', `${CHALLENGE}\n`);
    expect(() => heldKey(other, {}, NOW)).toThrow(because('format-invalid', /not of this text/));
  });

  it('security case 1: is no certificate, whoever signed that', () => {
    keygen.key('ca', 'ed25519');
    keygen.key('certified', 'ed25519');
    const own = registration('certified');
    const publicKey = keygen.certify('ca', 'certified', '-n', 'dana');
    expect(() => heldKey({ ...own, publicKey }, {}, NOW)).toThrow(because('unsupported', /not supported/));
  });
});

describe('a FIDO key', () => {
  it.runIf(hasOpenSsh()).each(['ed25519', 'ecdsa'] as const)(
    'of software signs as OpenSSH verifies it (%s)',
    (kind) => {
      const keygen = new Keygen();
      const key = new SoftwareAuthenticator(kind);
      writeFileSync(keygen.path('allowed'), `dana ${key.line}\n`);
      writeFileSync(keygen.path('sig'), key.sshsig(CHALLENGE, 'custody-device'));
      const args = ['-Y', 'verify', '-f', 'allowed', '-I', 'dana', '-n', 'custody-device', '-s', 'sig'];
      const { status, stdout } = spawnSync('ssh-keygen', args, {
        cwd: keygen.folder,
        input: CHALLENGE,
        encoding: 'utf8',
      });
      keygen.end();
      expect([status, stdout]).toEqual([0, expect.stringContaining('Good')]);
    },
  );

  it('is known as one, and whether it verified its user', () => {
    const key = new SoftwareAuthenticator();
    expect(heldKey(answered(CHALLENGE, key), {}, NOW).kept).toEqual({
      fido: true,
      userVerified: false,
      attested: false,
    });
    const signature = key.sshsig(CHALLENGE, 'custody-device', 5);
    expect(heldKey({ ...answered(CHALLENGE, key), signature }, {}, NOW).kept.userVerified).toBe(true);
  });

  it('security case 1: is not held without a touch', () => {
    const key = new SoftwareAuthenticator();
    const signature = key.sshsig(CHALLENGE, 'custody-device', 4);
    expect(() => heldKey({ ...answered(CHALLENGE, key), signature }, {}, NOW)).toThrow(
      because('format-invalid', /without a touch/),
    );
  });
});

describe('what attests a key', () => {
  const key = new SoftwareAuthenticator();
  let trusted: Awaited<ReturnType<typeof maker>>;
  beforeAll(async () => void (trusted = await maker()));
  const shown = (challenge = CHALLENGE) => ({
    ...answered(CHALLENGE, key),
    attestation: key.attestation({ challenge, by: trusted }),
  });
  const roots = (required: boolean, ...pem: string[]) => ({ attestation: { roots: pem, required } });

  it('counts where the configuration names a root', () => {
    expect(heldKey(shown(), roots(false, trusted.root), NOW).kept).toMatchObject({
      attested: true,
      model: MODEL,
    });
    expect(heldKey(shown(), {}, NOW).kept).toMatchObject({ attested: false });
    expect(heldKey(answered(CHALLENGE, key), roots(false, trusted.root), NOW).kept.attested).toBe(false);
  });

  it('security case 3: is not passed over where it is not good, or required', async () => {
    const others = (await maker()).root;
    expect(() => heldKey(shown(), roots(false, others), NOW)).toThrow(
      because('format-invalid', /^the attestation .*roots/),
    );
    expect(() => heldKey(shown('older'), roots(false, trusted.root), NOW)).toThrow(
      because('format-invalid', /this challenge/),
    );
    expect(() => heldKey(answered(CHALLENGE, key), roots(true, trusted.root), NOW)).toThrow(
      because('format-invalid', /missing/),
    );
  });
});
