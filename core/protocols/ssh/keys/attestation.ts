/**
 * What a FIDO authenticator says of a key when it makes it, as `ssh-keygen -O write-attestation` keeps it (OpenSSH's PROTOCOL.u2f): that
 * the key is in an authenticator of this make. Web Authentication sections 6.1 and 8.2 say what is signed ("packed"), 8.6 what older
 * authenticators sign ("fido-u2f").
 */
import { createHash, type KeyObject, verify, X509Certificate } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { SshReader, sameBytes, violation } from '../wire.ts';
import { inWords } from './key-line.ts';
import type { SshPublicKey } from './public-key.ts';

export interface AttestationTerms {
  /** What the key was to be made for (`ssh-keygen -O challenge`). */
  readonly challenge: Uint8Array;
  /** Whom to believe, each a certificate of a CA in PEM. */
  readonly roots: readonly string[];
  readonly now: Date;
}

export interface Attested {
  /** The authenticator's model (AAGUID), where it names one. */
  readonly model?: string;
}

/** As the file has it. */
interface Attestation {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  readonly signature: Uint8Array;
  readonly data: AuthenticatorData;
}

/** Web Authentication section 6.1. */
interface AuthenticatorData {
  readonly bytes: Uint8Array;
  /** SHA-256 of what the key is for. */
  readonly application: Uint8Array;
  readonly model: Uint8Array;
  readonly credential: Uint8Array;
  /** The key in COSE's form, and what extensions add behind it. */
  readonly rest: Uint8Array;
  readonly hasExtensions: boolean;
}

const MAGIC = 'ssh-sk-attest-v01';
const ATTESTATION_MAX = 16 << 10;
const CREDENTIAL_MAX = 1023;
const HAS_KEY = 0x40;
const HAS_EXTENSIONS = 0x80;
const NO_MODEL = new Uint8Array(16);
/** id-fido-gen-ce-aaguid (1.3.6.1.4.1.45724.1.1.4), as an extension's DER begins. */
const MODEL_OID = Buffer.from('060b2b0601040182e51c010104', 'hex');
/** OCTET STRING of an OCTET STRING of 16 bytes. */
const MODEL_VALUE = Buffer.from('04120410', 'hex');

/**
 * Verifies that an authenticator made the key for the challenge, and that one of the roots vouches for the authenticator. Throws
 * `format-invalid` for what is no attestation and `token-invalid` for one that is not good; the messages complete "the attestation …".
 */
export function checkAttestation(key: SshPublicKey, file: Uint8Array, terms: AttestationTerms): Attested {
  const attestation = inWords(() => readAttestation(file));
  const { data, certificate } = attestation;
  if (key.application === undefined) throw notGood('is of a FIDO key, and this is none');
  if (!sameBytes(data.application, sha256(key.application)) || !holdsKey(data, key))
    throw notGood('is of another key');
  if (!isSigned(attestation, key, sha256(terms.challenge)))
    throw notGood('is not of this challenge by the authenticator that it names');
  if (!isVouchedFor(certificate, terms))
    throw notGood('is of an authenticator that none of the configured roots vouches for');
  const said = modelIn(certificate);
  if (said !== undefined && !sameBytes(said, data.model))
    throw notGood('is of another model than its certificate');
  return sameBytes(data.model, NO_MODEL) ? {} : { model: uuid(data.model) };
}

function readAttestation(file: Uint8Array): Attestation {
  if (file.length > ATTESTATION_MAX) throw violation(`it is longer than ${ATTESTATION_MAX} bytes`);
  const reader = new SshReader(file);
  if (reader.text(MAGIC.length) !== MAGIC) throw violation('it is of another form');
  const certificate = readCertificate(reader.string());
  const signature = reader.string();
  const data = readAuthenticatorData(byteString(reader.string()));
  // Reserved: flags and a string.
  reader.uint32();
  reader.string();
  reader.end();
  return { ...certificate, signature, data };
}

/** Its key as well: node looks at it only when it is asked for. */
function readCertificate(der: Uint8Array): Pick<Attestation, 'certificate' | 'publicKey'> {
  if (der.length === 0) throw violation('it has no certificate: the authenticator vouches for itself alone');
  try {
    const certificate = new X509Certificate(der);
    return { certificate, publicKey: certificate.publicKey };
  } catch (cause) {
    throw violation('its certificate is none', String(cause));
  }
}

/** A CBOR byte string of 24 bytes and more, and nothing behind it (RFC 8949 section 3.1). */
function byteString(cbor: Uint8Array): Uint8Array {
  const [head, ...lengths] = cbor.subarray(0, 3);
  const sized = head === 0x58 ? 1 : head === 0x59 ? 2 : undefined;
  if (sized === undefined || lengths.length < sized) throw violation('its data is no CBOR byte string');
  const length = lengths.slice(0, sized).reduce((sum, byte) => sum * 256 + byte, 0);
  const bytes = cbor.subarray(1 + sized);
  if (bytes.length !== length) throw violation('its data is not as long as it says');
  return bytes;
}

function readAuthenticatorData(bytes: Uint8Array): AuthenticatorData {
  const reader = new SshReader(bytes);
  const application = reader.take(32);
  const flags = reader.byte();
  reader.uint32();
  if ((flags & HAS_KEY) === 0) throw violation('its data has no key');
  const model = reader.take(16);
  const length = reader.byte() * 256 + reader.byte();
  if (length > CREDENTIAL_MAX) throw violation('its credential is too long');
  const credential = reader.take(length);
  const rest = bytes.subarray(reader.at);
  return { bytes, application, model, credential, rest, hasExtensions: (flags & HAS_EXTENSIONS) !== 0 };
}

/** An authenticator writes a key in one form (CTAP 2 section 6, canonical CBOR): it is compared, and not read. */
function holdsKey({ rest, hasExtensions }: AuthenticatorData, { key }: SshPublicKey): boolean {
  const { crv, x, y } = key.export({ format: 'jwk' });
  const expected =
    crv === 'Ed25519'
      ? Buffer.concat([Buffer.from('a4010103272006215820', 'hex'), fromBase64url(x)])
      : Buffer.concat([
          Buffer.from('a5010203262001215820', 'hex'),
          fromBase64url(x),
          Buffer.from('225820', 'hex'),
          fromBase64url(y),
        ]);
  const held = hasExtensions ? rest.subarray(0, expected.length) : rest;
  return sameBytes(held, expected);
}

function isSigned(
  { publicKey, signature, data }: Attestation,
  { key }: SshPublicKey,
  clientData: Uint8Array,
): boolean {
  if (publicKey.asymmetricKeyType !== 'ec') return false;
  const packed = Buffer.concat([data.bytes, clientData]);
  const isOf = (message: Uint8Array): boolean => verify('sha256', message, publicKey, signature);
  if (isOf(packed)) return true;
  // Authenticators of U2F know no models, and P-256 alone.
  if (key.asymmetricKeyType !== 'ec' || !sameBytes(data.model, NO_MODEL)) return false;
  const { x, y } = key.export({ format: 'jwk' });
  const point = [Buffer.of(4), fromBase64url(x), fromBase64url(y)];
  return isOf(Buffer.concat([Buffer.of(0), data.application, clientData, data.credential, ...point]));
}

/** The file has one certificate: whoever signed it stands in the configuration. */
function isVouchedFor(certificate: X509Certificate, { roots, now }: AttestationTerms): boolean {
  if (certificate.ca || !isInTime(certificate, now)) return false;
  return roots
    .map((pem) => new X509Certificate(pem))
    .some(
      (root) => isInTime(root, now) && certificate.checkIssued(root) && certificate.verify(root.publicKey),
    );
}

function isInTime({ validFromDate, validToDate }: X509Certificate, now: Date): boolean {
  return validFromDate.getTime() <= now.getTime() && now.getTime() <= validToDate.getTime();
}

/** Of a certificate that somebody vouches for: its bytes are its maker's words. It may be left out, and is never critical. */
function modelIn({ raw }: X509Certificate): Uint8Array | undefined {
  const at = raw.indexOf(MODEL_OID);
  if (at === -1) return undefined;
  const value = raw.subarray(at + MODEL_OID.length);
  if (!sameBytes(value.subarray(0, MODEL_VALUE.length), MODEL_VALUE)) return undefined;
  return value.subarray(MODEL_VALUE.length, MODEL_VALUE.length + NO_MODEL.length);
}

function uuid(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function sha256(data: Uint8Array | string): Uint8Array {
  return createHash('sha256').update(data).digest();
}

function fromBase64url(text: string | undefined): Uint8Array {
  return Buffer.from(text ?? '', 'base64url');
}

function notGood(message: string): CustodyError {
  return new CustodyError('token-invalid', message);
}
