/**
 * SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the client's side (RFC 5802, RFC 7677), as PostgreSQL speaks it: the user name
 * in the exchange is empty, as the server takes that of the startup message.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { CustodyError } from '#core/errors.ts';
import { preparePassword } from './saslprep.ts';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';

/** What the client knows of channel binding: not to be had, to be had but not offered by the server, or used. */
export type ChannelBinding =
  | { readonly flag: 'n' | 'y' }
  | { readonly flag: 'p'; readonly certificateHash: Uint8Array };

export interface ScramChoice {
  readonly mechanism: ScramMechanism;
  readonly binding: ChannelBinding;
}

/** The server's default is 4096; a hostile one could otherwise ask for hours of work. */
export const SCRAM_MAX_ITERATIONS = 1_000_000;
/** RFC 7677 section 4 asks for 4096, but a server's owner may have set less for speed: a real password is long. */
const SCRAM_MIN_ITERATIONS = 1;
const MAX_MESSAGE_BYTES = 4096;
const MAX_SALT_BYTES = 1024;
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const derive = promisify(pbkdf2);

/**
 * The mechanism to use of those a server offers, or undefined when it offers no SCRAM.
 * `certificateHash`: `tls-server-end-point` of the TLS connection; undefined without TLS or where it has none.
 * With a binding at hand and no -PLUS on offer the answer is flag 'y': a server that does offer it then knows that
 * somebody between changed the list, and refuses (RFC 5802 section 6).
 */
export function chooseScram(
  offered: readonly string[],
  certificateHash: Uint8Array | undefined,
): ScramChoice | undefined {
  if (certificateHash !== undefined && offered.includes('SCRAM-SHA-256-PLUS')) {
    return { mechanism: 'SCRAM-SHA-256-PLUS', binding: { flag: 'p', certificateHash } };
  }
  if (!offered.includes('SCRAM-SHA-256')) return undefined;
  return { mechanism: 'SCRAM-SHA-256', binding: { flag: certificateHash === undefined ? 'n' : 'y' } };
}

export interface ScramOptions {
  readonly password: string;
  /** Printable ASCII without a comma, from at least 18 random bytes. */
  readonly nonce: string;
  readonly binding: ChannelBinding;
  /** PostgreSQL wants it empty, and so it is unless given. */
  readonly user?: string;
}

interface ServerFirst {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** One exchange: `first()`, then `final(server-first)`, then `verify(server-final)`. */
export class ScramClient {
  readonly #options: ScramOptions;
  readonly #firstBare: string;
  #serverSignature: Uint8Array | undefined;

  constructor(options: ScramOptions) {
    if (!NONCE.test(options.nonce)) throw new CustodyError('internal', 'internal error in the gateway');
    this.#options = options;
    this.#firstBare = `n=${escapeName(options.user ?? '')},r=${options.nonce}`;
  }

  /** client-first-message. */
  first(): Uint8Array {
    return Buffer.from(this.#gs2Header() + this.#firstBare);
  }

  /** client-final-message for the server's first. Rejects with `target-refused` when that is not one. */
  async final(serverFirst: Uint8Array): Promise<Uint8Array> {
    const text = asText(serverFirst);
    const { nonce, salt, iterations } = parseServerFirst(text, this.#options.nonce);
    const withoutProof = `c=${this.#bindingData().toString('base64')},r=${nonce}`;
    const authMessage = `${this.#firstBare},${text},${withoutProof}`;
    const salted = await derive(preparePassword(this.#options.password), salt, iterations, 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage);
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), authMessage);
    const proof = clientKey.map((byte, at) => byte ^ signature[at]!);
    return Buffer.from(`${withoutProof},p=${Buffer.from(proof).toString('base64')}`);
  }

  /** Throws `target-refused` unless the server proves that it knows the password too. */
  verify(serverFinal: Uint8Array): void {
    const text = asText(serverFinal);
    if (text.startsWith('e=')) throw refused(`the server ended SCRAM with: ${text.slice(2, 200)}`);
    const claimed = text.startsWith('v=') ? fromBase64(text.slice(2).split(',', 1)[0]!) : undefined;
    const expected = this.#serverSignature;
    if (claimed === undefined || expected === undefined) throw refused('malformed server-final-message');
    if (claimed.length !== expected.length || !timingSafeEqual(claimed, expected)) {
      throw refused('the server did not prove that it knows the password');
    }
  }

  #gs2Header(): string {
    return this.#options.binding.flag === 'p'
      ? 'p=tls-server-end-point,,'
      : `${this.#options.binding.flag},,`;
  }

  #bindingData(): Buffer {
    const header = Buffer.from(this.#gs2Header());
    const { binding } = this.#options;
    return binding.flag === 'p' ? Buffer.concat([header, binding.certificateHash]) : header;
  }
}

/** `r=…,s=…,i=…`, then extensions; an `m=` before them is one that must be understood, and is not. */
function parseServerFirst(text: string, clientNonce: string): ServerFirst {
  const fields = /^r=([^,]*),s=([^,]*),i=(\d{1,10})(?:,|$)/.exec(text);
  if (fields === null) throw refused('malformed server-first-message');
  const nonce = fields[1]!;
  const salt = fromBase64(fields[2]!);
  const iterations = Number(fields[3]);
  if (!NONCE.test(nonce) || !nonce.startsWith(clientNonce) || nonce.length === clientNonce.length) {
    throw refused('the server did not add to the nonce');
  }
  if (salt === undefined || salt.length === 0 || salt.length > MAX_SALT_BYTES)
    throw refused('malformed salt');
  if (iterations < SCRAM_MIN_ITERATIONS || iterations > SCRAM_MAX_ITERATIONS) {
    throw refused(`an iteration count of ${iterations}`);
  }
  return { nonce, salt, iterations };
}

function asText(bytes: Uint8Array): string {
  if (bytes.length > MAX_MESSAGE_BYTES) throw refused('a SCRAM message that is too long');
  return Buffer.from(bytes).toString('utf8');
}

function fromBase64(text: string): Buffer | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** RFC 5802 section 5.1: a saslname. */
function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

function hmac(key: Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

function refused(detail: string): CustodyError {
  return new CustodyError('target-refused', 'the gateway could not log in to the target', { detail });
}
