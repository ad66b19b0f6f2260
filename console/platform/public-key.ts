/** Public keys as SubjectPublicKeyInfo (RFC 5480, RFC 8410), PEM (RFC 7468) and JWK (RFC 7517). */
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { Buffer } from './buffer.ts';

export const CURVES = {
  prime256v1: { curve: p256, jwk: 'P-256', oid: '2a8648ce3d030107' },
  secp384r1: { curve: p384, jwk: 'P-384', oid: '2b81040022' },
  secp521r1: { curve: p521, jwk: 'P-521', oid: '2b81040023' },
} as const;
export type CurveName = keyof typeof CURVES;

export interface RsaNumbers {
  readonly n: bigint;
  readonly e: bigint;
}

export type KeyInput =
  | { readonly key: string | Uint8Array; readonly format: 'pem' }
  | { readonly key: Uint8Array; readonly format: 'der'; readonly type: 'spki' }
  | { readonly key: Readonly<Record<string, string>>; readonly format: 'jwk' };

interface Parts {
  readonly type: 'ed25519' | 'ec' | 'rsa';
  /** Ed25519's 32 bytes; of EC the point, compressed or not. */
  readonly point: Uint8Array;
  readonly curve?: CurveName;
  readonly rsa?: RsaNumbers;
  /** SubjectPublicKeyInfo, where it came as one. */
  readonly der?: Uint8Array;
}

export class PublicKey {
  readonly type = 'public';
  readonly asymmetricKeyType: 'ed25519' | 'ec' | 'rsa';
  readonly asymmetricKeyDetails: { readonly namedCurve?: string; readonly modulusLength?: number };
  readonly point: Uint8Array;
  readonly curve: CurveName | undefined;
  readonly rsa: RsaNumbers | undefined;
  readonly #der: Uint8Array | undefined;

  constructor({ type, point, curve, rsa, der }: Parts) {
    this.asymmetricKeyType = type;
    this.asymmetricKeyDetails = {
      ...(curve && { namedCurve: curve }),
      ...(rsa && { modulusLength: rsa.n.toString(2).length }),
    };
    this.point = point;
    this.curve = curve;
    this.rsa = rsa;
    this.#der = der;
  }

  export({ type, format }: { readonly type?: 'spki'; readonly format: string }): Buffer | string {
    if (this.#der === undefined || type !== 'spki' || (format !== 'der' && format !== 'pem'))
      throw new Error(`a public key is not given as ${format} here`);
    return format === 'der' ? Buffer.from(this.#der) : pemOf(this.#der);
  }
}

/** Throws for whatever is no key that somebody here has a use for. */
export function publicKeyFrom(input: KeyInput): PublicKey {
  if (input.format === 'jwk') return fromJwk(input.key);
  if (input.format === 'der') return fromDer(input.key);
  return fromPem(typeof input.key === 'string' ? input.key : Buffer.from(input.key).toString('latin1'));
}

const ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/** In the one form that node writes it: any other would be refused by whoever asks for it. */
function fromDer(der: Uint8Array): PublicKey {
  const hex = Buffer.from(der).toString('hex');
  if (hex.startsWith(ED25519.toString('hex')) && der.length === ED25519.length + 32)
    return new PublicKey({ type: 'ed25519', point: der.slice(ED25519.length), der: der.slice() });
  for (const [name, { oid, curve }] of Object.entries(CURVES)) {
    const algorithm = element('30', element('06', '2a8648ce3d0201') + element('06', oid));
    const length = curve.Point.BASE.toBytes(false).length;
    for (const bytes of [length, (length + 1) / 2]) {
      const prefix = spki(algorithm, bytes);
      if (!hex.startsWith(prefix) || der.length !== prefix.length / 2 + bytes) continue;
      const point = der.slice(der.length - bytes);
      return new PublicKey({ ...ecPoint(name as CurveName, point), der: der.slice() });
    }
  }
  throw new Error('this is no public key that is known here');
}

/** All that stands before the point. */
function spki(algorithm: string, pointBytes: number): string {
  const whole = element('30', algorithm + element('03', `00${'00'.repeat(pointBytes)}`));
  return whole.slice(0, -2 * pointBytes);
}

function element(tag: string, content: string): string {
  const bytes = content.length / 2;
  const length = bytes < 128 ? byteHex(bytes) : `81${byteHex(bytes)}`;
  return tag + length + content;
}

function byteHex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** Throws unless it is on the curve. */
function ecPoint(curve: CurveName, written: Uint8Array): Parts {
  const point = withoutHybrid(written);
  CURVES[curve].curve.Point.fromBytes(point);
  return { type: 'ec', point, curve };
}

/** X9.62's third form, which says the sign of y as well as y. */
function withoutHybrid(point: Uint8Array): Uint8Array {
  const [form = 0] = point;
  if (form !== 6 && form !== 7) return point;
  if ((point.at(-1)! & 1) !== (form & 1)) throw new Error('the point contradicts itself');
  return Uint8Array.of(4, ...point.subarray(1));
}

function fromPem(pem: string): PublicKey {
  const base64 = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)\n-----END PUBLIC KEY-----\n$/.exec(
    pem,
  )?.[1];
  if (base64 === undefined) throw new Error('this is no public key in PEM');
  return fromDer(Buffer.from(base64.replaceAll('\n', ''), 'base64'));
}

function pemOf(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`;
}

function fromJwk({ kty, crv, x = '', y = '', n = '', e = '' }: Readonly<Record<string, string>>): PublicKey {
  if (kty === 'RSA')
    return new PublicKey({ type: 'rsa', point: new Uint8Array(), rsa: { n: number(n), e: number(e) } });
  if (kty === 'OKP' && crv === 'Ed25519') return new PublicKey({ type: 'ed25519', point: base64url(x) });
  const name = Object.entries(CURVES).find(([, { jwk }]) => jwk === crv)?.[0];
  if (kty !== 'EC' || name === undefined) throw new Error('this is no key that is known here');
  return new PublicKey(
    ecPoint(name as CurveName, Buffer.concat([Uint8Array.of(4), base64url(x), base64url(y)])),
  );
}

function base64url(text: string): Buffer {
  return Buffer.from(text, 'base64url');
}

function number(text: string): bigint {
  return BigInt(`0x0${base64url(text).toString('hex')}`);
}
