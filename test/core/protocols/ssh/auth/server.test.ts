import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import * as messages from '#core/protocols/ssh/auth/messages.ts';
import { withheldOf } from '#core/protocols/ssh/auth/withheld.ts';
import { certificateType } from '#core/protocols/ssh/keys/certificate.ts';
import { caKeyOf, makeCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import type { SshPrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import { signWith } from '#core/protocols/ssh/keys/signature.ts';
import { SshWriter } from '#core/protocols/ssh/wire.ts';
import { NOW, newKey, newServer, SESSION, type Server, type ServerMore, USER } from './support.ts';

const FAILURE = 51;
const SUCCESS = 52;
const BANNER = 53;
const PK_OK = 60;

function begun(more: ServerMore = {}): Server {
  const server = newServer(more);
  server.auth.receive(messages.serviceRequest('ssh-userauth'));
  return server;
}

/** What the server answers while it finds nothing proved. */
async function answers(server: Server, ...payloads: readonly Uint8Array[]): Promise<(number | undefined)[]> {
  let ended: unknown;
  const next = server.auth.next();
  next.catch((error: unknown) => (ended = error));
  for (const payload of payloads) {
    server.auth.receive(payload);
    await new Promise(setImmediate);
  }
  server.auth.close(new CustodyError('peer-left', 'over'));
  await expect(next).rejects.toThrow(CustodyError);
  if (ended instanceof CustodyError && ended.code !== 'peer-left') throw ended;
  return server.sent.slice(1).map(([type]) => type);
}

interface Changes {
  readonly session?: Uint8Array;
  readonly user?: string;
  readonly signedUser?: string;
  readonly algorithm?: string;
  readonly signer?: SshPrivateKey;
  readonly hostKey?: Uint8Array;
}

function keyRequest(
  key: SshPrivateKey,
  blob: Uint8Array,
  algorithm: string,
  changes: Changes = {},
): Uint8Array {
  const method = changes.hostKey === undefined ? 'publickey' : messages.HOSTBOUND;
  const said = (user: string) => {
    const writer = messages.request(user, method).boolean(true).string(algorithm).string(blob);
    return (changes.hostKey === undefined ? writer : writer.string(changes.hostKey)).done();
  };
  const signer = changes.signer ?? key;
  const toSign = new SshWriter()
    .string(changes.session ?? SESSION)
    .raw(said(changes.signedUser ?? USER))
    .done();
  const signature = signWith(signer.key, signer.publicKey.type, signer.publicKey.type, toSign);
  return new SshWriter()
    .raw(said(changes.user ?? USER))
    .string(signature)
    .done();
}

const plain = (key: SshPrivateKey, changes: Changes = {}) =>
  keyRequest(key, key.publicKey.blob, key.publicKey.type, changes);
const offer = (blob: Uint8Array, algorithm: string) =>
  messages.request(USER, 'publickey').boolean(false).string(algorithm).string(blob).done();

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = Uint8Array.from(publicKey.export({ type: 'spki', format: 'der' }));
const ca = {
  sign: async (bytes: Uint8Array) => sign('sha256', bytes, privateKey),
  publicKey: async () => spki,
};
const cas = [caKeyOf(spki)];

async function certificateOf(key: SshPrivateKey, more: object = {}): Promise<Uint8Array> {
  const content = {
    kind: 'user' as const,
    key: key.publicKey,
    serial: 1n,
    keyId: 'ann',
    principals: [USER],
    validAfter: new Date(NOW.getTime() - 60_000),
    validBefore: new Date(NOW.getTime() + 60_000),
    ...more,
  };
  return makeCertificate(content, ca);
}

const CERT = certificateType('ssh-ed25519');

describe('what was offered is not proved', () => {
  test('security case 2: a device key that is only offered gives no attempt, however often', async () => {
    const key = newKey();
    const query = offer(key.publicKey.blob, 'ssh-ed25519');
    expect(await answers(begun({ devices: [key.publicKey] }), query, query)).toEqual([PK_OK, PK_OK]);
  });

  test('security case 2: a good certificate that is only offered gives no attempt', async () => {
    const blob = await certificateOf(newKey());
    expect(await answers(begun({ use: { cas } }), offer(blob, CERT))).toEqual([PK_OK]);
  });

  test.each<[string, (other: SshPrivateKey) => Changes]>([
    ['another session', () => ({ session: new Uint8Array(32) })],
    ['another user', () => ({ signedUser: 'root+web-1' })],
    ['another key', (other) => ({ signer: other })],
  ])('security case 2: a signature for %s proves nothing', async (_, changes) => {
    const key = newKey();
    const bad = plain(key, changes(newKey()));
    expect(await answers(begun({ devices: [key.publicKey] }), bad)).toEqual([FAILURE]);
    const blob = await certificateOf(key);
    const certified = keyRequest(key, blob, CERT, changes(newKey()));
    expect(await answers(begun({ use: { cas } }), certified)).toEqual([FAILURE]);
  });

  test('security case 2: a query for one key proves nothing of a signature by another', async () => {
    const [device, other] = [newKey(), newKey()];
    const server = begun({ devices: [device.publicKey] });
    expect(await answers(server, offer(device.publicKey.blob, 'ssh-ed25519'), plain(other))).toEqual([
      PK_OK,
      FAILURE,
    ]);
  });
});

describe('certificates', () => {
  test('a good one is an attempt, with what it demands', async () => {
    const key = newKey();
    const server = begun({ use: { cas } });
    const blob = await certificateOf(key, { criticalOptions: { 'force-command': 'uptime' } });
    server.auth.receive(keyRequest(key, blob, CERT));
    const attempt = await server.auth.next();
    expect(attempt).toMatchObject({
      kind: 'certificate',
      terms: { forceCommand: 'uptime', verifyRequired: false },
    });
    server.auth.accept();
    expect(server.sent.at(-1)).toEqual(Uint8Array.of(SUCCESS));
  });

  test.each<[string, object, object]>([
    ['expired', { validBefore: NOW }, {}],
    ['of a CA that is not known', {}, { cas: [] }],
    ['of somebody else', { principals: ['root'] }, {}],
    ['of a host', { kind: 'host' }, {}],
    ['with an unknown demand', { criticalOptions: { 'no-such': '' } }, {}],
  ])(
    'security case 1: one that is %s is refused, asked and signed, and words say why',
    async (_, more, use) => {
      const key = newKey();
      const blob = await certificateOf(key, more);
      const requests = [offer(blob, CERT), keyRequest(key, blob, CERT)];
      expect(await answers(begun({ use: { cas, ...use } }), ...requests)).toEqual([BANNER, FAILURE, FAILURE]);
    },
  );

  test('security case 1: verify-required is not met by a key that cannot verify', async () => {
    const key = newKey();
    const blob = await certificateOf(key, { criticalOptions: { 'verify-required': '' } });
    expect(await answers(begun({ use: { cas } }), keyRequest(key, blob, CERT))).toEqual([BANNER, FAILURE]);
  });

  test("security case 1: a certificate under a plain key's name, and the other way, is none", async () => {
    const key = newKey();
    const blob = await certificateOf(key);
    const server = begun({ use: { cas }, devices: [key.publicKey] });
    expect(await answers(server, keyRequest(key, blob, 'ssh-ed25519'))).toEqual([FAILURE]);
    await expect(answers(begun({ use: { cas } }), keyRequest(key, key.publicKey.blob, CERT))).rejects.toThrow(
      /a key stands where a certificate should/,
    );
  });
});

describe('a device', () => {
  test('security case 3: its key alone never logs in, and counts for what comes after', async () => {
    const key = newKey();
    const server = begun({ devices: [key.publicKey] });
    server.auth.receive(plain(key));
    expect((await server.auth.next()).kind).toBe('key');
    expect(() => server.auth.accept()).toThrow(/alone/);
    server.auth.goOn();
    expect(server.sent.at(-1)).toEqual(
      messages.failure({ methods: ['keyboard-interactive', 'password'], partial: true }),
    );
    server.auth.receive(messages.request(USER, 'password').boolean(false).string('token').done());
    expect(await server.auth.next()).toMatchObject({
      kind: 'password',
      device: { key: { fingerprint: key.publicKey.fingerprint } },
    });
  });

  test('security case 3: half a login is only for a key', async () => {
    const server = begun();
    server.auth.receive(messages.request(USER, 'password').boolean(false).string('t').done());
    await server.auth.next();
    expect(() => server.auth.goOn()).toThrow(/only a key/);
  });

  test('one that is not registered is refused', async () => {
    expect(await answers(begun(), plain(newKey()))).toEqual([FAILURE]);
  });

  test('may bind its signature to our host key, and to no other', async () => {
    const key = newKey();
    const hostKey = newKey().publicKey.blob;
    const server = begun({ devices: [key.publicKey], hostKey });
    server.auth.receive(plain(key, { hostKey }));
    expect((await server.auth.next()).kind).toBe('key');
    const other = begun({ devices: [key.publicKey], hostKey: newKey().publicKey.blob });
    await expect(answers(other, plain(key, { hostKey }))).rejects.toThrow(/another server/);
  });
});

describe('bounds', () => {
  const none = messages.request(USER, 'none').done();

  test('six failures and no more', async () => {
    const wrong = messages.request(USER, 'hostbased').done();
    await expect(answers(begun(), none, ...Array.from({ length: 6 }, () => wrong))).rejects.toMatchObject({
      code: 'too-many-failures',
    });
    expect(await answers(begun(), none, ...Array.from({ length: 5 }, () => wrong))).toHaveLength(6);
  });

  test('user and service stay the same', async () => {
    await expect(answers(begun(), none, messages.request('root', 'none').done())).rejects.toThrow(
      /changed its user/,
    );
    const other = new SshWriter().byte(50).string(USER).string('ssh-other').string('none').done();
    await expect(answers(begun(), other)).rejects.toThrow(/logs in to the service/);
  });

  test('the methods are listed', async () => {
    const server = begun();
    await answers(server, none);
    expect(server.sent.at(-1)).toEqual(
      messages.failure({ methods: ['publickey', 'keyboard-interactive', 'password'], partial: false }),
    );
  });

  test('bytes and waiting messages', () => {
    const { auth } = begun();
    expect(() => auth.receive(new Uint8Array(600_000))).toThrow(/too much/);
    const other = begun().auth;
    expect(() => Array.from({ length: 20 }, () => other.receive(none))).toThrow(/does not wait/);
  });

  test('a changed password is refused', async () => {
    const change = messages.request(USER, 'password').boolean(true).string('a').string('b').done();
    expect(await answers(begun(), change)).toEqual([FAILURE]);
  });
});

describe('a dialogue', () => {
  const interactive = messages.request(USER, 'keyboard-interactive').string('').string('').done();

  test('ends when the client turns away, and its late answer harms nobody', async () => {
    const server = begun();
    server.auth.receive(interactive);
    const attempt = await server.auth.next();
    if (attempt.kind !== 'interactive') throw new Error(attempt.kind);
    const told = attempt.dialogue.tell('go to https://id.example');
    server.auth.receive(messages.request(USER, 'password').boolean(false).string('t').done());
    await expect(told).rejects.toMatchObject({ code: 'peer-left' });
    expect(attempt.dialogue.signal.aborted).toBe(true);
    expect(() => server.auth.accept()).toThrow(/turned/);
    server.auth.receive(messages.infoResponse([]));
    expect((await server.auth.next()).kind).toBe('password');
    expect(() => server.auth.receive(messages.infoResponse([]))).toThrow(/nobody asked/);
  });

  test('takes as many answers as it asked', async () => {
    const server = begun();
    server.auth.receive(interactive);
    const attempt = await server.auth.next();
    if (attempt.kind !== 'interactive') throw new Error(attempt.kind);
    void attempt.dialogue.ask('', [{ text: 'Code: ', echo: true }]).catch(() => undefined);
    expect(() => server.auth.receive(messages.infoResponse(['a', 'b']))).toThrow(/another number/);
  });
});

describe('security case 15: what must not be recorded', () => {
  const shown = (payload: Uint8Array) => {
    const range = withheldOf(payload);
    return Buffer.from(payload)
      .subarray(0, range?.from ?? payload.length)
      .toString('latin1');
  };
  test('passwords, answers, unknown methods and what cannot be read', () => {
    expect(shown(messages.request(USER, 'password').boolean(false).string('SECRET').done())).not.toContain(
      'SECRET',
    );
    expect(shown(messages.infoResponse(['SECRET']))).not.toContain('SECRET');
    expect(shown(messages.request(USER, 'x@y').string('SECRET').done())).not.toContain('SECRET');
    expect(shown(Uint8Array.of(50, 0, 0, 0, 255, 83))).toBe('2');
    expect(withheldOf(offer(newKey().publicKey.blob, 'ssh-ed25519'))).toBeUndefined();
  });
});
