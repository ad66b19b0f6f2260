import { createHmac } from 'node:crypto';
import { CustodyError } from '../errors.ts';

/** Standard Webhooks 1.0.0, "Signature scheme": a secret has at least 24 random bytes. */
const SECRET_MIN = 24;
const PREFIX = 'whsec_';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** The id is signed in front of a full stop, so it must not bring one; and it stands in a header. */
const ID = /^[A-Za-z0-9_/-]+$/;

export type Headers = Readonly<Record<string, string>>;

/** The bytes of a secret: base64 after `whsec_`, otherwise the text itself. Throws `config-invalid`, without the secret. */
export function signingKey(secret: string): Uint8Array {
  const key = secret.startsWith(PREFIX) ? decode(secret.slice(PREFIX.length)) : Buffer.from(secret, 'utf8');
  if (key.byteLength >= SECRET_MIN) return key;
  throw new CustodyError('config-invalid', `the webhook's secret has fewer than ${SECRET_MIN} bytes`, {
    hint: HINT,
  });
}

const HINT = 'make one: echo "whsec_$(openssl rand -base64 32)"';

function decode(text: string): Uint8Array {
  if (BASE64.test(text)) return Buffer.from(text, 'base64');
  throw new CustodyError('config-invalid', `the webhook's secret has no base64 after ${PREFIX}`, {
    hint: HINT,
  });
}

/** What names an attempt to deliver `id`, signed or not. The id stays the same from attempt to attempt. */
export function attemptHeaders(id: string, at: Date): Headers {
  return { 'webhook-id': id, 'webhook-timestamp': String(secondsOf(at)) };
}

/** The signature over id, time and body of an attempt. Throws `format-invalid` when the id cannot be signed. */
export function signatureHeader(key: Uint8Array, id: string, at: Date, body: string): Headers {
  if (!ID.test(id)) throw new CustodyError('format-invalid', 'the event has an id that cannot be signed');
  const signature = createHmac('sha256', key)
    .update(`${id}.${secondsOf(at)}.${body}`)
    .digest('base64');
  return { 'webhook-signature': `v1,${signature}` };
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}
