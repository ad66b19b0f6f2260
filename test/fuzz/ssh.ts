/** SSH below and above its ciphers: what strangers say first, keys and signatures in every form, and messages about channels. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { parseCertificate } from '#core/protocols/ssh/keys/certificate.ts';
import { certificateProblem } from '#core/protocols/ssh/keys/certificate-check.ts';
import { makeCertificate } from '#core/protocols/ssh/keys/certificate-make.ts';
import { formatKeyLine, parseKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { knownHosts } from '#core/protocols/ssh/keys/known-hosts.ts';
import { parsePrivateKey } from '#core/protocols/ssh/keys/private-key.ts';
import { parsePublicKey, publicKeyOf } from '#core/protocols/ssh/keys/public-key.ts';
import { algorithmsOf, signWith, verifySignature } from '#core/protocols/ssh/keys/signature.ts';
import { verifySshSig } from '#core/protocols/ssh/keys/sshsig.ts';
import { clientTransport, serverTransport } from '#core/protocols/ssh/transport/transport.ts';
import { readUint32 } from '#core/protocols/ssh/wire.ts';
import { confirmation, exec, open, place, request, stand } from '#test/core/protocols/ssh/channels/stand.ts';
import { End, HOST_KEY, pair } from '#test/support/ssh-pair.ts';
import type { FuzzTarget } from './target.ts';

/** How strangers are refused on the wire, and texts where they are read. */
const WIRE: readonly ErrorCode[] = ['protocol-violation', 'unsupported'];
const FORMS: readonly ErrorCode[] = ['format-invalid', 'protocol-violation', 'unsupported'];
const MESSAGE = Buffer.from('what was signed');
const PAIRS = [
  generateKeyPairSync('ed25519'),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
];
const KEYS = PAIRS.map(({ publicKey }) => publicKeyOf(publicKey));

/** What each side says first. */
function firstWords(side: 'client' | 'server'): Uint8Array {
  const made = pair();
  made[side].leg.start();
  if (side === 'client') return made.client.take();
  made.client.leg.start();
  const asked = made.client.take();
  made.server.leg.receive(asked);
  return made.server.take();
}

const server: FuzzTarget = {
  name: 'ssh-server-transport',
  seeds: () => [firstWords('client')],
  run: (bytes) => {
    const end = new End((events) => serverTransport({ now: () => 0, hostKeys: [{ key: HOST_KEY }] }, events));
    end.leg.start();
    refused(WIRE, () => end.leg.receive(bytes));
    if (end.messages.length > 0) throw new Error('a message from somebody without keys');
  },
};

const client: FuzzTarget = {
  name: 'ssh-client-transport',
  seeds: () => [firstWords('server')],
  run: (bytes) => {
    const end = new End((events) => clientTransport({ now: () => 0, hostKey: () => undefined }, events));
    end.leg.start();
    refused(WIRE, () => end.leg.receive(bytes));
    if (end.messages.length > 0) throw new Error('a message from somebody without keys');
  },
};

const keyForms: FuzzTarget = {
  name: 'ssh-keys',
  seeds: () => [
    ...KEYS.map(({ blob }) => blob),
    ...KEYS.map(({ blob }) => text(formatKeyLine(blob, 'dana'))),
  ],
  run: (bytes) => {
    const line = Buffer.from(bytes).toString('latin1');
    const key = refused(FORMS, () => parsePublicKey(bytes));
    if (key !== undefined && !Buffer.from(key.blob).equals(bytes)) throw new Error('another key');
    refused(FORMS, () => parseKeyLine(line));
    refused(FORMS, () => parsePublicKeyLine(line));
    refused(FORMS, () => knownHosts(`[web-1]:22 ${line}\n@cert-authority * ${line}`, 'web-1', 22));
  },
};

const CERTIFICATE_CA = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const CERTIFICATE_SIGNER = {
  sign: async (message: Uint8Array) => sign('sha256', message, CERTIFICATE_CA.privateKey),
  publicKey: async () => CERTIFICATE_CA.publicKey.export({ type: 'spki', format: 'der' }),
};
const CERTIFICATES = await Promise.all(
  KEYS.map((key) =>
    makeCertificate(
      {
        kind: 'user',
        ...{ key, serial: 7n, keyId: 'dana', principals: ['custody'] },
        validAfter: new Date(0),
        validBefore: new Date(1e12),
        criticalOptions: { 'source-address': '10.0.0.0/8', 'force-command': 'true' },
        extensions: { 'permit-pty': '', 'identity@custody': '{}' },
      },
      CERTIFICATE_SIGNER,
    ),
  ),
);
const CERTIFICATE_CAS = [publicKeyOf(CERTIFICATE_CA.publicKey)];

const certificates: FuzzTarget = {
  name: 'ssh-certificates',
  seeds: () => CERTIFICATES,
  run: (bytes) => {
    const certificate = refused(WIRE, () => parseCertificate(bytes));
    if (certificate === undefined) return;
    const use = { kind: 'user' as const, cas: CERTIFICATE_CAS, principals: ['custody'], now: new Date(1) };
    const problem = certificateProblem(certificate, { ...use, address: '10.0.0.1' });
    if (problem !== undefined) return;
    const signed = CERTIFICATES.some((one) => Buffer.from(one).equals(bytes));
    if (!signed) throw new Error('a certificate that nobody signed');
  },
};

const privateKeys: FuzzTarget = {
  name: 'ssh-private-keys',
  seeds: () => PAIRS.map(({ privateKey }) => text(pem(privateKey))),
  run: (bytes) =>
    void refused([...FORMS, 'config-invalid'], () => parsePrivateKey(Buffer.from(bytes).toString('latin1'))),
};

const signatures: FuzzTarget = {
  name: 'ssh-signatures',
  seeds: () => PAIRS.map(({ privateKey }, i) => signed(privateKey, i)),
  run: (bytes) => {
    for (const key of KEYS) {
      refused(FORMS, () => verifySignature(key, bytes, MESSAGE));
      // What it was made over is another text: no change to it makes it good.
      const good = refused(FORMS, () => verifySignature(key, bytes, Buffer.from('another text')));
      if (good) throw new Error('a signature that nobody made');
    }
    refused([...FORMS, 'token-invalid'], () =>
      verifySshSig(Buffer.from(bytes).toString('latin1'), MESSAGE, 'custody-device'),
    );
  },
};

const OPENED = [open().done(), confirmation()];
const CONVERSATIONS: readonly (readonly Uint8Array[])[] = [
  [...OPENED, exec('true'), request('exit-status', false, 7).uint32(0).done()],
  [...OPENED, request('pty-req').string('xterm').uint32(80).uint32(24).uint32(0).uint32(0).string('').done()],
  [place(open('direct-tcpip'), 'db.internal', 5432), confirmation()],
  [...OPENED, request('subsystem').string('sftp').done(), request('env').string('LANG').string('C').done()],
];

/** Messages of both sides by turns: the first byte of a length says whose it is. */
const connection: FuzzTarget = {
  name: 'ssh-connection',
  seeds: () => CONVERSATIONS.map((messages) => Buffer.concat(messages.map(framed))),
  run: (bytes) => {
    const stood = stand();
    refused(['protocol-violation'], () => {
      for (const [isTarget, payload] of unframed(bytes)) {
        if (isTarget) stood.target(payload);
        else stood.client(payload);
        checkTape(stood.happened);
      }
    });
  },
};

export const targets: readonly FuzzTarget[] = [
  ...[server, client, keyForms, certificates, privateKeys, signatures, connection],
];

/** Nothing reaches a side that is not on the tape before it, unless the gateway says it itself. */
function checkTape(happened: ReturnType<typeof stand>['happened']): void {
  const count = (what: string): number => happened.filter((one) => one.what === what).length;
  if (count('target<') > count('tape>client')) throw new Error('the target got what is not on the tape');
  if (count('client<') > count('tape>target')) throw new Error('the client got what is not on the tape');
}

function framed(payload: Uint8Array, index: number): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(payload.length);
  head[0] = index % 2;
  return Buffer.concat([head, payload]);
}

function* unframed(bytes: Uint8Array): Generator<[isTarget: boolean, payload: Uint8Array]> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = readUint32(bytes, at) & 0xffff;
    if (length > 0) yield [bytes[at]! % 2 === 1, bytes.subarray(at + 4, at + 4 + length)];
    at += 4 + length;
  }
}

function signed(key: KeyObject, index: number): Uint8Array {
  const { type } = KEYS[index]!;
  return signWith(key, type, algorithmsOf(type)[0]!, MESSAGE);
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

function text(words: string): Uint8Array {
  return Buffer.from(words);
}

/** The result; undefined where it was refused as it should be. */
function refused<T>(codes: readonly ErrorCode[], run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof CustodyError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
