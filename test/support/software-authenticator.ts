/**
 * A FIDO authenticator in software, since no test can touch one: what its keys sign and what it attests is written by OpenSSH's
 * PROTOCOL.u2f and PROTOCOL.sshsig, and by Web Authentication, apart from the code under test.
 */
import 'reflect-metadata';
import { createHash, generateKeyPairSync, KeyObject, sign, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

export const MODEL = '2fc0579f-8113-47ea-b116-bb5a8db9202a';
const MODEL_OID = '1.3.6.1.4.1.45724.1.1.4';
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

const sha256 = (data: Uint8Array | string): Buffer => createHash('sha256').update(data).digest();
const sha512 = (data: Uint8Array | string): Buffer => createHash('sha512').update(data).digest();
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const string = (value: Uint8Array | string): Buffer => {
  const bytes = Buffer.from(value as Uint8Array);
  return Buffer.concat([uint32(bytes.length), bytes]);
};
const mpint = (number: Uint8Array): Buffer => {
  const first = number.findIndex((byte) => byte !== 0);
  const bytes = Buffer.from(number.subarray(first));
  return string(bytes[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
};

/** A maker of authenticators: a root, and the certificate that a whole batch of its authenticators has. */
export interface Maker {
  readonly root: string;
  readonly certificate: Uint8Array;
  readonly key: KeyObject;
}

export async function maker(
  more: { readonly model?: string; readonly until?: string; readonly ca?: boolean; readonly by?: Maker } = {},
): Promise<Maker> {
  const { model = MODEL, until = '2036-01-01', ca = false } = more;
  const rootKeys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const dates = { notBefore: new Date('2026-01-01'), signingAlgorithm: ALGORITHM };
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    ...dates,
    serialNumber: '01',
    name: 'CN=Root of a maker',
    notAfter: new Date('2046-01-01'),
    keys: rootKeys,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true)],
  });
  const value = Buffer.concat([Buffer.of(4, 16), Buffer.from(model.replaceAll('-', ''), 'hex')]);
  const certificate = await x509.X509CertificateGenerator.create({
    ...dates,
    serialNumber: '02',
    subject: 'CN=Batch 7, OU=Authenticator Attestation',
    issuer: root.subject,
    notAfter: new Date(until),
    signingKey: rootKeys.privateKey,
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(model === '' ? [] : [new x509.Extension(MODEL_OID, false, value)]),
    ],
  });
  const key = KeyObject.from(keys.privateKey);
  return { root: root.toString('pem'), certificate: new Uint8Array(certificate.rawData), key };
}

export interface Attesting {
  readonly challenge: Uint8Array | string;
  readonly by: Maker;
  readonly model?: string;
  /** As authenticators of U2F sign. */
  readonly u2f?: boolean;
  readonly extensions?: Uint8Array;
  /** Another key's, or for another application. */
  readonly of?: SoftwareAuthenticator;
  readonly application?: string;
}

export class SoftwareAuthenticator {
  readonly #key: KeyObject;
  readonly application: string;
  readonly type: string;
  /** In SSH's wire form. */
  readonly blob: Buffer;
  readonly #credential = Buffer.alloc(48, 7);
  readonly #point: readonly Buffer[];

  constructor(kind: 'ed25519' | 'ecdsa' = 'ed25519', application = 'ssh:') {
    const isEd = kind === 'ed25519';
    const { privateKey, publicKey } = isEd
      ? generateKeyPairSync('ed25519')
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
    this.#key = privateKey;
    this.#point = (isEd ? [x] : [x, y]).map((part) => Buffer.from(part, 'base64url'));
    this.application = application;
    this.type = isEd ? 'sk-ssh-ed25519@openssh.com' : 'sk-ecdsa-sha2-nistp256@openssh.com';
    const fields = isEd
      ? [string(this.#point[0]!)]
      : [string('nistp256'), string(Buffer.concat([Buffer.of(4), ...this.#point]))];
    this.blob = Buffer.concat([string(this.type), ...fields, string(application)]);
  }

  /** As in `id_ed25519_sk.pub`. */
  get line(): string {
    return `${this.type} ${this.blob.toString('base64')}`;
  }

  /** A signature in SSH's wire form. `flags`: 1 for a touch, 4 for a PIN or a finger. */
  sign(message: Uint8Array, flags = 1): Buffer {
    const rest = Buffer.concat([Buffer.of(flags), uint32(9)]);
    const signed = Buffer.concat([sha256(this.application), rest, sha256(message)]);
    return Buffer.concat([string(this.type), string(this.#value(signed)), rest]);
  }

  /** As `ssh-keygen -Y sign` makes it. */
  sshsig(message: Uint8Array | string, namespace: string, flags = 1): string {
    const head = [string(namespace), string(''), string('sha512')];
    const signed = Buffer.concat([Buffer.from('SSHSIG'), ...head, string(sha512(message))]);
    const body = [
      Buffer.from('SSHSIG'),
      uint32(1),
      string(this.blob),
      ...head,
      string(this.sign(signed, flags)),
    ];
    const lines = Buffer.concat(body)
      .toString('base64')
      .match(/.{1,70}/g)!;
    return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
  }

  /** As `ssh-keygen -O write-attestation` writes it. */
  attestation({ challenge, by, model = MODEL, u2f = false, extensions, of, application }: Attesting): Buffer {
    const { clientData, application: wanted } = {
      clientData: sha256(challenge),
      application: sha256(application ?? this.application),
    };
    const flags = 0x41 + (extensions === undefined ? 0 : 0x80);
    const length = Buffer.of(0, this.#credential.length);
    const data = Buffer.concat([
      wanted,
      Buffer.of(flags),
      uint32(3),
      Buffer.from((u2f ? '0'.repeat(32) : model).replaceAll('-', ''), 'hex'),
      length,
      this.#credential,
      (of ?? this).#cose(),
      extensions ?? Buffer.alloc(0),
    ]);
    const signed = u2f
      ? Buffer.concat([Buffer.of(0), wanted, clientData, this.#credential, Buffer.of(4), ...this.#point])
      : Buffer.concat([data, clientData]);
    const cbor = Buffer.concat([
      data.length < 256 ? Buffer.of(0x58, data.length) : Buffer.of(0x59, data.length >> 8, data.length & 255),
      data,
    ]);
    return Buffer.concat([
      string('ssh-sk-attest-v01'),
      string(by.certificate),
      string(sign('sha256', signed, by.key)),
      string(cbor),
      uint32(0),
      string(''),
    ]);
  }

  #cose(): Buffer {
    const [x, y] = this.#point;
    const bytes = (part: Buffer): Buffer => Buffer.concat([Buffer.of(0x58, 32), part]);
    if (y === undefined)
      return Buffer.concat([Buffer.from('a4010103272006', 'hex'), Buffer.of(0x21), bytes(x!)]);
    return Buffer.concat([
      Buffer.from('a5010203262001', 'hex'),
      Buffer.of(0x21),
      bytes(x!),
      Buffer.of(0x22),
      bytes(y),
    ]);
  }

  #value(signed: Uint8Array): Buffer {
    if (this.#key.asymmetricKeyType === 'ed25519') return sign(null, signed, this.#key);
    const pair = sign('sha256', signed, { key: this.#key, dsaEncoding: 'ieee-p1363' });
    return Buffer.concat([mpint(pair.subarray(0, 32)), mpint(pair.subarray(32))]);
  }
}
