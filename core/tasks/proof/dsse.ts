/**
 * DSSE v1 (https://github.com/secure-systems-lab/dsse): an envelope around bytes of a named type, with one ECDSA P-256 signature.
 * What is signed is the type as well, and what was parsed is never trusted before its signature was looked at.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import { z } from 'zod';
import { CustodyError } from '../../errors.ts';
import { parseJsonBytes } from '../../json.ts';
import type { Signer } from '../../recording/ports.ts';
import { canonicalJson } from '../canonical-json.ts';

export const PAYLOAD_MAX_BYTES = 4 << 20;
/** Base64 of the longest payload, and what stands around it. */
export const ENVELOPE_MAX_BYTES = 4 * Math.ceil(PAYLOAD_MAX_BYTES / 3) + 1024;

/** Nobody signs an envelope as a whole: nothing may stand in it that nobody checks. */
const envelopeSchema = z.strictObject({
  payload: z.string(),
  payloadType: z.string().min(1).max(255),
  signatures: z.tuple([z.strictObject({ keyid: z.string(), sig: z.string().max(96) })]),
});

/** "Pre-authentication encoding": what is signed. */
export function preAuthenticated(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType);
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.byteLength} `),
    type,
    Buffer.from(` ${payload.byteLength} `),
    payload,
  ]);
}

/** The envelope's bytes. Its key id is the signer's fingerprint, where none is given. Rejects as the signer does, and with `internal` for what is too long. */
export async function signEnvelope(
  payloadType: string,
  payload: Uint8Array,
  signer: Signer,
  keyId?: string,
): Promise<Uint8Array> {
  if (payload.byteLength > PAYLOAD_MAX_BYTES)
    throw new CustodyError('internal', 'what is to be signed is too long', {
      detail: `${payload.byteLength} bytes of ${payloadType}`,
    });
  const sig = await signer.sign(preAuthenticated(payloadType, payload));
  const keyid = keyId ?? fingerprintOf(await signer.publicKey());
  const envelope = {
    payload: Buffer.from(payload).toString('base64'),
    payloadType,
    signatures: [{ keyid, sig: Buffer.from(sig).toString('base64') }],
  };
  return Buffer.from(canonicalJson(envelope));
}

/**
 * The payload of an envelope that `signer` (SubjectPublicKeyInfo, DER) signed, of the type that the reader expects. Throws
 * `format-invalid`; the message completes "task.json …".
 */
export function openEnvelope(bytes: Uint8Array, payloadType: string, signer: Uint8Array): Uint8Array {
  const envelope = readEnvelope(bytes);
  const [{ keyid, sig }] = envelope.signatures;
  if (envelope.payloadType !== payloadType) throw invalid(`is not of type ${payloadType}`);
  const fingerprint = fingerprintOf(signer);
  if (keyid !== fingerprint) throw invalid(`is not signed by ${fingerprint}`);
  const payload = fromBase64(envelope.payload, 'payload');
  const key = createPublicKey({ key: Buffer.from(signer), format: 'der', type: 'spki' });
  const signed = preAuthenticated(payloadType, payload);
  if (!verify('sha256', signed, { key, dsaEncoding: 'der' }, fromBase64(sig, 'signature')))
    throw invalid(`has a signature that is not of ${fingerprint} over its payload`);
  return payload;
}

function readEnvelope(bytes: Uint8Array): z.infer<typeof envelopeSchema> {
  const parsed = envelopeSchema.safeParse(parse(bytes));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw invalid(`is no envelope with one signature: ${issue?.path.join('.')}: ${issue?.message}`);
}

function parse(bytes: Uint8Array): unknown {
  return parseJsonBytes(bytes, ENVELOPE_MAX_BYTES, 4);
}

/** In the one spelling of its bytes. */
function fromBase64(text: string, what: string): Buffer {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text) return bytes;
  throw invalid(`has a ${what} that is not base64 as it is written here`);
}

/** SHA-256 of a public key's SubjectPublicKeyInfo, as statements name signers. */
export function fingerprintOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex');
}

function invalid(message: string): CustodyError {
  return new CustodyError('format-invalid', message);
}
