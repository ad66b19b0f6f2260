import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CertificateDesk } from '#core/access/ssh-certificates/desk.ts';
import { certificateStanding } from '#core/access/ssh-certificates/revocation.ts';
import { certificateVerifier } from '#core/access/ssh-certificates/verifier.ts';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { caKeyOf } from '#core/protocols/ssh/keys/certificate-make.ts';
import { formatKeyLine, parseKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';
import { sshHandler } from '#lambdas/ssh/handler.ts';
import { memorySsh } from '#test/support/memory-certificates.ts';
import { type Call, call, ISSUER, NOW, POLICY, verifier } from './support.ts';

const log = (): void => undefined;

function stand(
  more: { readonly devices?: 'registered'; readonly owner?: string; readonly disabled?: string } = {},
) {
  const clock = { now: NOW };
  const certificates = { ...POLICY.ssh.certificates, ...(more.devices && { devices: more.devices }) };
  const disabled = more.disabled === undefined ? [] : [{ subject: more.disabled }];
  const policy = () => ({ ...POLICY, disabled, ssh: { certificates } });
  const now = () => clock.now;
  const memory = memorySsh(policy, now);
  const { leaves, revocations, book, users: ca } = memory;
  const devices = {
    of: async () =>
      more.owner === undefined ? undefined : { owner: { issuer: ISSUER, subject: more.owner } },
  };
  const desk = new CertificateDesk({ policy, ca, book, revocations, leaves, devices, now });
  const ssh = { ...memory, desk };
  const handler = sshHandler({ ...ssh, policy, now, log });
  const ask = (path: string, how: Call = {}) => call(handler, path, { token: 'dana', ...how });
  const issue = (body: object = {}, how: Call = {}) =>
    ask('/v1/ssh/certificates', { method: 'POST', body: { publicKey: newLine(), ...body }, ...how });
  /** Why whoever comes with this certificate may not stay. */
  const endingOf = async ({ certificate }: Record<string, unknown>) => {
    const { blob } = parseKeyLine(certificate as string);
    const verify = certificateVerifier({ cas: () => [caKeyOf(ca.der)], policy, now });
    const key = (await ssh.book.find(serialOf(blob)))!.key;
    const principal = await verify.verify(blob, { key, proof: 'ssh-certificate' }, '192.0.2.1');
    const [ending] = await certificateStanding(revocations).over([principal]);
    return ending?.reason;
  };
  const serialOf = (blob: Uint8Array) =>
    ssh.book.kept.find(({ serial }) => Buffer.from(blob).includes(bytesOf(serial)))!.serial;
  return { ...ssh, clock, ask, issue, endingOf };
}

function bytesOf(serial: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(serial));
  return bytes;
}

function newLine(): string {
  return formatKeyLine(publicKeyOf(generateKeyPairSync('ed25519').publicKey).blob, 'dana@laptop');
}

const kindsOf = ({ leaves }: Pick<ReturnType<typeof stand>, 'leaves'>) =>
  [...leaves.added].map((leaf) => parseLeaf(Buffer.from(leaf))!.kind);

describe('POST /v1/ssh/certificates', () => {
  it('security case 12: gives none to who is shut out, to come back with when they are not any more', async () => {
    const at = stand({ disabled: 'dana' });
    expect((await at.issue()).status).toBe(403);
    expect([at.book.kept, [...at.leaves.added]]).toEqual([[], []]);
    expect((await at.issue({}, { token: 'eve' })).status).toBe(201);
  });

  it('gives a certificate, of which the ledger and the list know', async () => {
    const at = stand();
    const { status, body } = await at.issue({ validSeconds: 600, forceCommand: 'uptime', target: 'web-1' });
    expect(status).toBe(201);
    expect(body).toEqual({
      certificate: expect.stringMatching(/^ssh-ed25519-cert-v01@openssh\.com \S+ dana$/) as string,
      serial: expect.stringMatching(/^\d+$/) as string,
      key: expect.stringMatching(/^SHA256:/) as string,
      keyId: 'dana',
      issuedAt: NOW.toISOString(),
      expiresAt: new Date(NOW.getTime() + 600_000).toISOString(),
      target: 'web-1',
      forceCommand: 'uptime',
    });
    const { certificate: _, ...listed } = body;
    expect((await at.ask('/v1/ssh/certificates')).body).toEqual({ certificates: [listed] });
    expect((await at.ask('/v1/ssh/certificates', { token: 'eve' })).body).toEqual({ certificates: [] });
    expect(kindsOf(at)).toEqual(['ssh-certificate-issued']);
    expect(await at.endingOf(body)).toBeUndefined();
  });

  it('writes networks as OpenSSH wants them', async () => {
    const { body } = await stand().issue({ sourceAddress: '10.1.2.3/8, 192.0.2.7,2001:DB8::1/32' });
    expect(body['sourceAddress']).toBe('10.0.0.0/8,192.0.2.7,2001:db8::/32');
  });

  it.each([
    [{ publicKey: 'ssh-dss AAAA' }, 400],
    [{ publicKey: 'no key' }, 400],
    [{ publicKey: `${newLine()}\n${newLine()}` }, 400],
    [{ sourceAddress: 'anywhere' }, 400],
    [{ sourceAddress: '10.0.0.0/33' }, 400],
    [{ sourceAddress: '10/8' }, 400],
    [{ sourceAddress: '' }, 400],
    [{ validSeconds: 0 }, 400],
    [{ forceCommand: 'a\0b' }, 400],
    [{ principals: ['root'] }, 400],
    [{ target: 'a b' }, 400],
  ])('refuses %j', async (body, status) => {
    const at = stand();
    expect((await at.issue(body)).status).toBe(status);
    expect(at.book.kept).toEqual([]);
  });

  it('gives nothing that is not in the ledger’s queue, and not in the list', async () => {
    for (const part of ['leaves', 'book'] as const) {
      const at = stand();
      const broken = () => Promise.reject(new Error('away'));
      if (part === 'leaves') at.leaves.add = broken;
      else at.book.keep = broken;
      expect((await at.issue()).status).toBe(500);
    }
  });

  it('wants a registered device of the person’s own where the file says so', async () => {
    expect((await stand({ devices: 'registered', owner: 'dana' }).issue()).status).toBe(201);
    expect((await stand({ devices: 'registered', owner: 'eve' }).issue()).status).toBe(403);
    expect((await stand({ devices: 'registered' }).issue()).status).toBe(403);
  });

  it('needs a token (security case 3)', async () => {
    const at = stand();
    const how = { method: 'POST', body: { publicKey: newLine() } };
    const handler = sshHandler({ ...at, policy: () => POLICY, now: () => NOW, log });
    expect((await call(handler, '/v1/ssh/certificates', how)).status).toBe(401);
  });
});

describe('revocation', () => {
  const revoke = { method: 'POST', body: {} };

  it('ends what rests on a certificate, and the list says when it was', async () => {
    const at = stand();
    const [{ body }, { body: other }] = [await at.issue(), await at.issue()];
    const path = `/v1/ssh/certificates/${String(body['serial'])}/revoke`;
    const revoked = await at.ask(path, revoke);
    expect(revoked.status).toBe(202);
    expect(revoked.body).toEqual({ serial: body['serial'], revokedAt: NOW.toISOString() });
    expect(await at.endingOf(body)).toBe('revoked');
    expect(await at.endingOf(other)).toBeUndefined();
    expect(kindsOf(at).at(-1)).toBe('ssh-certificate-revoked');
    const page = (await at.ask('/v1/ssh/certificates')).body as { certificates: { revokedAt?: string }[] };
    const { certificates } = page;
    const dates = certificates.flatMap(({ revokedAt }) => revokedAt ?? []);
    expect([certificates.length, dates]).toEqual([2, [NOW.toISOString()]]);
    expect((await at.ask(path, revoke)).status).toBe(202);
  });

  it('of somebody else’s is for who administers, and nobody else learns that there is one (security case 14)', async () => {
    const at = stand();
    const { body } = await at.issue();
    const path = (serial: unknown) => `/v1/ssh/certificates/${String(serial)}/revoke`;
    const [theirs, none] = [
      await at.ask(path(body['serial']), { ...revoke, token: 'eve' }),
      await at.ask(path('12345'), { ...revoke, token: 'eve' }),
    ];
    expect([theirs.status, none.status]).toEqual([404, 404]);
    expect(theirs.body).toEqual(none.body);
    expect((await at.ask(path('18446744073709551616'), { ...revoke, token: 'adm' })).status).toBe(404);
    expect(await at.endingOf(body)).toBeUndefined();
    expect((await at.ask(path(body['serial']), { ...revoke, token: 'adm' })).status).toBe(202);
    expect(await at.endingOf(body)).toBe('revoked');
  });

  it('of a person, or of a key, is of all until then, and of none that comes after', async () => {
    for (const what of ['person', 'key'] as const) {
      const at = stand();
      const publicKey = newLine();
      const { body: before } = await at.issue({ publicKey });
      const revocation =
        what === 'key' ? { key: before['key'] } : { person: { issuer: ISSUER, subject: 'dana' } };
      const how = { method: 'POST', body: revocation };
      expect((await at.ask('/v1/ssh/revocations', { ...how, token: 'eve' })).status).toBe(403);
      at.clock.now = new Date(NOW.getTime() + 5_000);
      expect((await at.ask('/v1/ssh/revocations', { ...how, token: 'adm' })).status).toBe(202);
      at.clock.now = new Date(NOW.getTime() + 6_000);
      const { body: after } = await at.issue({ publicKey });
      expect([await at.endingOf(before), await at.endingOf(after)], what).toEqual(['revoked', undefined]);
    }
  });

  it('of all one’s own needs nobody else', async () => {
    const at = stand();
    const { body } = await at.issue();
    const person = { issuer: ISSUER, subject: 'dana' };
    expect((await at.ask('/v1/ssh/revocations', { method: 'POST', body: { person } })).status).toBe(202);
    expect(await at.endingOf(body)).toBe('revoked');
  });

  it('counts once it is in the ledger’s queue, and not before', async () => {
    const at = stand();
    const { body } = await at.issue();
    at.leaves.add = () => Promise.reject(new Error('away'));
    expect((await at.ask(`/v1/ssh/certificates/${String(body['serial'])}/revoke`, revoke)).status).toBe(500);
    expect(at.revocations.taken).toEqual([]);
  });

  it('that nobody can look up lets nobody stay', async () => {
    const at = stand();
    const { body } = await at.issue();
    at.revocations.newest = () => Promise.reject(new Error('away'));
    await expect(at.endingOf(body)).rejects.toThrow('away');
  });
});

describe('GET /v1/ssh', () => {
  it('says where the gateway is, and whom to believe', async () => {
    const at = stand();
    expect((await at.ask('/v1/ssh')).body).toEqual({
      host: 'gateway.example',
      port: 2222,
      hostKeys: ['ssh-ed25519 AAAA'],
      userCa: [formatKeyLine(caKeyOf(at.users.der).blob)],
      targetCa: [formatKeyLine(caKeyOf(at.targets.der).blob)],
    });
    const without = sshHandler({
      ...at,
      place: async () => undefined,
      policy: () => POLICY,
      now: () => NOW,
      log,
    });
    expect((await call(without, '/v1/ssh', { token: 'dana' })).status).toBe(404);
  });
});

it('a token is of nobody whose certificate was revoked', async () => {
  const dana = await verifier.verify('dana');
  expect(await certificateStanding(stand().revocations).over([dana, dana])).toEqual([undefined, undefined]);
});
