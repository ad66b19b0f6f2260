import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { fingerprintOf } from '#core/identity/key-fingerprint.ts';
import { fingerprintHex, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { verifySshSig } from '#core/protocols/ssh/keys/sshsig.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';
import { custody, temporary } from '../support.ts';
import { sshApi } from './support.ts';

const CHALLENGE = 'custody-device 9f2c for https://id.example dev-1';
const ID = fingerprintOf(Buffer.from('a key'));
const PATH = `/v1/devices/${fingerprintHex(ID)}`;

function device(more: object = {}) {
  return {
    id: ID,
    name: 'laptop',
    publicKey: 'ssh-ed25519 AAAA',
    type: 'ssh-ed25519',
    owner: { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' },
    state: 'registered',
    registeredAt: '2026-11-29T08:00:00.000Z',
    fido: false,
    userVerified: false,
    attested: false,
    approvals: [],
    mayApprove: false,
    ...more,
  };
}

async function gateway() {
  const made = await sshApi();
  const { answers } = made.api;
  answers.set('POST /v1/devices/challenge', { challenge: CHALLENGE, expiresAt: '2026-11-29T08:05:00Z' });
  answers.set('POST /v1/devices', device());
  return made;
}

function sent({ api }: Awaited<ReturnType<typeof gateway>>): Record<string, string> {
  return api.requests.at(-1)!.body as Record<string, string>;
}

describe.skipIf(!hasOpenSsh())('custody devices register', () => {
  test('signs the challenge with the key that ssh-login uses, for this purpose alone', async () => {
    const made = await gateway();
    await custody(['ssh-login'], { env: made.env });
    const ran = await custody(['devices', 'register', '--name', 'laptop'], { env: made.env });
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    const { name, publicKey, challenge, signature } = sent(made);
    expect({ name, challenge }).toEqual({ name: 'laptop', challenge: CHALLENGE });
    const { key } = verifySshSig(signature!, Buffer.from(CHALLENGE), 'custody-device');
    expect(key.fingerprint).toBe(parsePublicKeyLine(publicKey!).fingerprint);
    const own = readFileSync(join(made.env.CUSTODY_HOME, 'ssh_key.pub'), 'utf8');
    expect(parsePublicKeyLine(own).fingerprint).toBe(key.fingerprint);
  });

  test('sends what a FIDO key says of itself over the same challenge', async () => {
    const made = await gateway();
    const bin = fakeKeygen();
    const env = { ...made.env, PATH: `${bin}:${process.env['PATH']}` };
    const ran = await custody(['devices', 'register', '--fido'], { env });
    expect(ran).toMatchObject({ code: 0 });
    expect(sent(made)['attestation']).toBe(Buffer.from(`attested: ${CHALLENGE}`).toString('base64'));
  });

  test('a key that does not sign is told', async () => {
    const made = await gateway();
    const key = join(temporary(), 'id');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
    const half = join(temporary(), 'only.pub');
    writeFileSync(half, readFileSync(`${key}.pub`));
    const ran = await custody(['devices', 'register', '--key', half], { env: made.env });
    expect(ran).toMatchObject({ code: 1, stdout: '' });
    expect(ran.stderr).toMatch(/custody: the key .*only.pub did not sign: .*\nhint: does ssh-agent have it/);
  });

  test('says that an approval is needed', async () => {
    const made = await gateway();
    made.api.answers.set('POST /v1/devices', device({ state: 'pending', needs: { approvals: 1 } }));
    const ran = await custody(['devices', 'register'], { env: made.env });
    expect(ran.stdout).toContain('pending: 0 of 1 approvals');
    expect(ran.stderr).toContain(`custody devices approve ${ID}`);
  });
});

/** No authenticator is here: one that makes a plain key where a FIDO one is asked for, and attests the challenge in clear. */
function fakeKeygen(): string {
  const bin = join(temporary(), 'bin');
  mkdirSync(bin);
  const real = execFileSync('sh', ['-c', 'command -v ssh-keygen'], { encoding: 'utf8' }).trim();
  const script = `#!/bin/sh
for arg; do
  case $arg in
    challenge=*) challenge=\${arg#*=} ;;
    write-attestation=*) { printf 'attested: '; cat "$challenge"; } >"\${arg#*=}" ;;
    */ssh_key_sk.new) key=$arg ;;
  esac
done
[ -n "$challenge" ] || exec ${real} "$@"
exec ${real} -q -t ed25519 -N '' -f "$key"
`;
  writeFileSync(join(bin, 'ssh-keygen'), script, { mode: 0o755 });
  return bin;
}

describe('custody devices', () => {
  test('is a table, and one line of JSON', async () => {
    const made = await gateway();
    const attested = { fido: true, attested: true, userVerified: true, authenticator: { issuer: 'Yubico' } };
    made.api.answers.set('/v1/devices', { devices: [device(attested), device({ name: 'a\u001b[2Jb' })] });
    const table = await custody(['devices'], { env: made.env });
    expect(table.stdout).toContain('FIDO, attested by Yubico, knows its user');
    expect(table.stdout).toContain('not known');
    expect(table.stdout).not.toContain('\u001b');
    const json = await custody(['devices', '--state', 'pending', '--json'], { env: made.env });
    expect(JSON.parse(json.stdout)).toMatchObject({ devices: [{ id: ID }, {}] });
    expect(made.api.requests.at(-1)!.path).toContain('state=pending');
  });

  test.each([
    ['approve', [], {}],
    ['revoke', ['--reason', 'lost'], { reason: 'lost' }],
  ])('%s names it by its fingerprint', async (step, args, body) => {
    const made = await gateway();
    made.api.answers.set(`POST ${PATH}/${step}`, device());
    expect(await custody(['devices', step, ID, ...args], { env: made.env })).toMatchObject({ code: 0 });
    expect(sent(made)).toEqual(body);
    const odd = await custody(['devices', step, '../targets'], { env: made.env });
    expect(odd.stderr).toContain('../targets is no device');
  });
});

describe('custody ssh-certificates', () => {
  const CERTIFICATE = {
    serial: '18446744073709551615',
    key: ID,
    keyId: 'dana',
    issuedAt: '2026-11-29T08:00:00.000Z',
    expiresAt: '2999-01-01T00:00:00.000Z',
  };

  test('lists them with what they are good for', async () => {
    const { api, env } = await gateway();
    const revoked = { ...CERTIFICATE, serial: '8', revokedAt: '2026-11-29T08:01:00.000Z', target: 'web-1' };
    api.answers.set('/v1/ssh/certificates', { certificates: [CERTIFICATE, revoked] });
    const { stdout } = await custody(['ssh-certificates'], { env });
    expect(stdout).toMatch(/^18446744073709551615 .* until 2999.* every target$/m);
    expect(stdout).toMatch(/^8 .* revoked 2026-11-29T08:01.* web-1$/m);
  });

  test('revoke takes a serial number and nothing else', async () => {
    const { api, env } = await gateway();
    api.answers.set('POST /v1/ssh/certificates/7/revoke', { serial: '7', revokedAt: '2026-11-29T08:01:00Z' });
    expect(await custody(['ssh-certificates', 'revoke', '7'], { env })).toMatchObject({ code: 0 });
    expect((await custody(['ssh-certificates', 'revoke', '7/../8'], { env })).stderr).toContain(
      'is no serial',
    );
  });
});
