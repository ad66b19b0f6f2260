import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { parseCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { certificateProblem, checkCertificate } from '#core/protocols/ssh/keys/certificate-check.ts';
import { makeCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import { formatKeyLine, parseKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { formatKnownHost, knownHosts } from '#core/protocols/ssh/keys/known-hosts.ts';
import { parsePrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import { algorithmsOf, signWith, verifySignature } from '#core/protocols/ssh/keys/signature.ts';
import { verifySshSig } from '#core/protocols/ssh/keys/sshsig.ts';
import { Keygen } from './keygen.ts';

const keygen = new Keygen();
const TYPES = [
  ['ed25519', 'ed25519', []],
  ['ecdsa256', 'ecdsa', ['-b', '256']],
  ['ecdsa384', 'ecdsa', ['-b', '384']],
  ['ecdsa521', 'ecdsa', ['-b', '521']],
  ['rsa', 'rsa', ['-b', '2048']],
] as const;
const NAMES = TYPES.map(([name]) => name);
const message = Buffer.from('a message');
const NOW = new Date('2026-11-29T12:00:00Z');
const VALID = ['-V', '20261129110000Z:20261129130000Z'];

beforeAll(() => {
  for (const [name, type, more] of TYPES) keygen.key(name, type, ...more);
  keygen.key('small', 'rsa', '-b', '1024');
  keygen.key('ca', 'ecdsa');
});
afterAll(() => keygen.end());

const line = (name: string) => parsePublicKeyLine(keygen.read(`${name}.pub`));
const certified = (ca: string, name: string, ...more: readonly string[]) =>
  parseCertificate(parseKeyLine(keygen.certify(ca, name, ...more)).blob);
const use = (more = {}) => ({
  kind: 'user' as const,
  cas: [line('ca')],
  principals: ['deploy'],
  now: NOW,
  address: '192.0.2.7',
  ...more,
});

describe('keys of ssh-keygen', () => {
  test.each(NAMES)('%s: public, private and fingerprint agree', (name) => {
    const found = line(name);
    expect(found.comment).toBe(`${name}@test`);
    expect(keygen.run('-lf', `${name}.pub`)).toContain(` ${found.fingerprint} `);
    expect(formatKeyLine(found.blob, found.comment)).toBe(keygen.read(`${name}.pub`).trim());
    expect(parsePrivateKey(keygen.read(name)).publicKey.blob).toEqual(found.blob);
  });

  test.each(NAMES)('%s: PEM of both kinds', (name) => {
    const { key, publicKey } = parsePrivateKey(keygen.read(name));
    const pem = key.export({ type: 'pkcs8', format: 'pem' });
    expect(parsePrivateKey(String(pem)).publicKey.blob).toEqual(publicKey.blob);
  });

  test.each(NAMES)('%s: signs and verifies, and nothing else than that', (name) => {
    const { key, publicKey } = parsePrivateKey(keygen.read(name));
    for (const algorithm of algorithmsOf(publicKey.type)) {
      const signature = signWith(key, publicKey.type, algorithm, message);
      expect(verifySignature(publicKey, signature, message)).toEqual({ algorithm });
      expect(verifySignature(publicKey, signature, Buffer.from('another'))).toBeUndefined();
      expect(verifySignature(publicKey, signature, message, ['other'])).toBeUndefined();
      for (const other of NAMES.filter((other) => other !== name))
        expect(verifySignature(line(other), signature, message)).toBeUndefined();
    }
  });

  test('SHA-1 and small RSA keys are refused', () => {
    const { key, publicKey } = parsePrivateKey(keygen.read('rsa'));
    expect(verifySignature(publicKey, signWith(key, 'ssh-rsa', 'ssh-rsa', message), message)).toBeUndefined();
    expect(() => line('small')).toThrow(/1024 bits is refused/);
    expect(() => parsePrivateKey(keygen.read('small'))).toThrow(/1024 bits/);
  });

  test('a private key with a passphrase, a public one and garbage say what is wrong', () => {
    keygen.run('-q', '-t', 'ed25519', '-N', 'secret', '-f', 'locked');
    expect(() => parsePrivateKey(keygen.read('locked'))).toThrow(/has a passphrase/);
    expect(() => parsePrivateKey(keygen.read('rsa.pub'))).toThrow(/is a public key/);
    expect(() => parsePrivateKey('hello')).toThrow(/not in OpenSSH or PEM form/);
    expect(() => parsePrivateKey(keygen.read('rsa').slice(0, 900))).toThrow(/has no end/);
  });
});

describe('certificates of ssh-keygen', () => {
  test.each([...NAMES.map((name) => ['ca', name]), ['ed25519', 'rsa'], ['rsa', 'ed25519']])(
    '%s certifies %s',
    (ca, name) => {
      const cert = certified(ca, name, '-n', 'deploy,root', '-z', '7', ...VALID);
      expect(cert).toMatchObject({
        kind: 'user',
        serial: 7n,
        keyId: 'an id',
        principals: ['deploy', 'root'],
      });
      expect(cert.key.fingerprint).toBe(line(name).fingerprint);
      expect(certificateProblem(cert, use({ cas: [line(ca)] }))).toBeUndefined();
      expect([...cert.extensions.keys()]).toContain('permit-pty');
    },
  );

  test.each<[string, string[], object, RegExp]>([
    ['expired', ['-n', 'deploy', '-V', '20261129100000Z:20261129110000Z'], {}, /expired at/],
    ['not yet valid', ['-n', 'deploy', '-V', '20261129130000Z:20261129140000Z'], {}, /not valid before/],
    ['for somebody else', ['-n', 'root'], {}, /is not for deploy/],
    ['for everybody', [], {}, /is not for deploy/],
    ['of a host', ['-h', '-n', 'deploy'], {}, /is for a host/],
    ['from another address', ['-n', 'deploy', '-O', 'source-address=198.51.100.0/24'], {}, /not good from/],
    [
      'from an unknown address',
      ['-n', 'deploy', '-O', 'source-address=192.0.2.0/24'],
      { address: undefined },
      /not good/,
    ],
    ['with an unknown demand', ['-n', 'deploy', '-O', 'critical:no-such=1'], {}, /demands no-such/],
    ['of an unknown CA', ['-n', 'deploy'], { cas: [] }, /CA that is not known/],
  ])('security case 1: one that is %s is refused, whatever its key', (_, args, more, expected) => {
    for (const name of NAMES) {
      const always = args.includes('-V') ? [] : VALID;
      expect(certificateProblem(certified('ca', name, ...always, ...args), use(more))).toMatch(expected);
    }
  });

  test('demands are told', () => {
    const args = [
      '-n',
      'deploy',
      '-O',
      'force-command=uptime',
      '-O',
      'verify-required',
      '-O',
      'source-address=192.0.2.0/24,2001:db8::/32',
    ];
    const cert = certified('ca', 'ed25519', ...args, ...VALID);
    expect(checkCertificate(cert, use())).toEqual({ forceCommand: 'uptime', verifyRequired: true });
    expect(certificateProblem(cert, use({ address: '::ffff:192.0.2.9' }))).toBeUndefined();
    expect(certificateProblem(cert, use({ address: '2001:db8::1' }))).toBeUndefined();
  });

  test('host names may have patterns', () => {
    const cert = certified('ca', 'ed25519', '-h', '-n', '*.internal,Db-1', ...VALID);
    const ofHost = (name: string) => certificateProblem(cert, use({ kind: 'host', principals: [name] }));
    expect([ofHost('web.internal'), ofHost('db-1')]).toEqual([undefined, undefined]);
    expect(ofHost('internal')).toMatch(/is not for internal/);
  });

  test('security case 1: every bit of a certificate counts', () => {
    const { blob } = certified('ca', 'ed25519', '-n', 'deploy', ...VALID);
    for (let at = 0; at < blob.length; at += 1) {
      const changed = Uint8Array.from(blob);
      changed[at]! ^= 1;
      expect(() => parseCertificate(changed), `byte ${at}`).toThrow(CustodyError);
    }
  });
});

test('our certificates are read by ssh-keygen', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = {
    sign: async (bytes: Uint8Array) => sign('sha256', bytes, privateKey),
    publicKey: async () => Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' })),
  };
  const content = {
    kind: 'user' as const,
    key: line('ed25519'),
    serial: 2n ** 63n + 5n,
    keyId: 'ann@example.com',
    principals: ['deploy', 'root'],
    validAfter: new Date('2026-11-29T11:00:00Z'),
    validBefore: new Date('2026-11-29T13:00:00Z'),
    criticalOptions: { 'verify-required': '', 'force-command': 'uptime' },
    extensions: { 'permit-pty': '', 'identity@custody': '{"a":1}' },
  };
  const blob = await makeCertificate(content, signer);
  writeFileSync(keygen.path('ours-cert.pub'), formatKeyLine(blob));
  const shown = keygen.run('-Lf', 'ours-cert.pub');
  for (const part of [
    'user certificate',
    'ann@example.com',
    '9223372036854775813',
    'deploy',
    'force-command uptime',
    'verify-required',
    'permit-pty',
    'identity@custody',
  ])
    expect(shown).toContain(part);
  expect(parseCertificate(blob)).toMatchObject({ serial: content.serial, principals: ['deploy', 'root'] });
});

describe('ssh-keygen -Y sign', () => {
  const signed = (name: string, namespace = 'custody-device') =>
    execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', keygen.path(name)], {
      input: message,
      encoding: 'utf8',
      stdio: 'pipe',
    });

  test.each(NAMES)('%s', (name) => {
    const armoured = signed(name);
    expect(verifySshSig(armoured, message, 'custody-device').key.fingerprint).toBe(line(name).fingerprint);
    expect(() => verifySshSig(armoured, Buffer.from('b'), 'custody-device')).toThrow(/not of this text/);
    expect(() => verifySshSig(armoured.slice(0, -5), message, 'custody-device')).toThrow(/is damaged/);
  });

  test('of another namespace is good for nothing', () => {
    expect(() => verifySshSig(signed('ed25519', 'git'), message, 'custody-device')).toThrow(/made for git/);
  });
});

describe('known_hosts', () => {
  test('plain, hashed, CA, revoked, with ports and patterns', () => {
    const [one, two] = [line('ed25519'), line('rsa')];
    writeFileSync(
      keygen.path('known'),
      `web,192.0.2.1 ${formatKeyLine(one.blob)}\n[web]:2222 ${formatKeyLine(two.blob)}\n`,
    );
    keygen.run('-q', '-H', '-f', 'known');
    const file = `# a comment\n${keygen.read('known')}@revoked * ${formatKeyLine(two.blob)} x\n@cert-authority *.internal,!db.internal ${formatKeyLine(line('ca').blob)}\n`;
    const at = (host: string, port = 22) =>
      knownHosts(file, host, port).map(({ role, key }) => [role, key.type]);
    expect(at('WEB')).toEqual([
      ['host', 'ssh-ed25519'],
      ['revoked', 'ssh-rsa'],
    ]);
    expect(at('web', 2222)).toEqual([
      ['host', 'ssh-rsa'],
      ['revoked', 'ssh-rsa'],
    ]);
    expect(at('a.internal')).toContainEqual(['ca', 'ecdsa-sha2-nistp256']);
    expect(at('db.internal')).toEqual([['revoked', 'ssh-rsa']]);
    expect(formatKnownHost('a', 2022, { role: 'ca', key: one })).toMatch(
      /^@cert-authority \[a\]:2022 ssh-ed25519 /,
    );
  });
});

test('a key of node is the key of its PEM', () => {
  const { key } = parsePrivateKey(keygen.read('ecdsa521'));
  expect(
    createPublicKey(createPrivateKey(key.export({ type: 'sec1', format: 'pem' }))).equals(
      line('ecdsa521').key,
    ),
  ).toBe(true);
});
