import { hash } from 'node:crypto';
import { compactVerify, createLocalJWKSet, errors, type JWK } from 'jose';
import { unprovenToken } from '#core/identity/token-refusals.ts';
import { isJsonObject, parseJsonBytes } from '#core/json.ts';
import type { TokenHeader } from './token-form.ts';

/** Far more than any issuer has at once. */
const KEYS_MAX = 100;
export const JWKS_MAX_BYTES = 256 << 10;
/** RFC 7518 section 3.3. */
const RSA_BITS_MIN = 2048;
const CURVES: Readonly<Record<string, readonly string[]>> = {
  EC: ['P-256', 'P-384', 'P-521'],
  OKP: ['Ed25519'],
};

/** Tokens whose signatures are remembered: of as many people as come and go at a time. */
const REMEMBERED_MAX = 1_000;

type Members = Readonly<Record<string, unknown>>;

/** The public keys of an issuer, as it published them at one time. */
export class KeySet {
  readonly #keyOf: ReturnType<typeof createLocalJWKSet>;
  readonly #names: ReadonlySet<string>;
  /** Keys that verify nothing, and why. */
  readonly #unfit: ReadonlyMap<string, string>;
  /**
   * The claims of tokens whose signatures these very keys have made, by the tokens' SHA-256: an application shows the same one at each
   * connection. No more is remembered, and for no longer than these keys serve: whether it is over, or revoked, is asked each time.
   */
  readonly #remembered = new Map<string, Uint8Array>();

  private constructor(keys: readonly Members[], unfit: ReadonlyMap<string, string>) {
    this.#keyOf = createLocalJWKSet({ keys: keys as unknown as JWK[] });
    this.#names = new Set(keys.map(({ kid }) => kid as string));
    this.#unfit = unfit;
  }

  /**
   * Reads a JWK set (RFC 7517 section 5). Keys that are for something else or of a kind that is not known are left out, as it
   * says. Throws when nothing is left: an issuer that signs has a key, so that this is no answer of an issuer.
   */
  static read(bytes: Uint8Array): KeySet {
    const document = parseJsonBytes(bytes, JWKS_MAX_BYTES);
    const keys = isJsonObject(document) ? document['keys'] : undefined;
    if (!Array.isArray(keys)) throw new Error('there is no list of keys');
    if (keys.length > KEYS_MAX) throw new Error(`there are more than ${KEYS_MAX} keys`);
    const named = keys.filter(isJsonObject).filter(({ kid }) => typeof kid === 'string' && kid !== '');
    const problems = named.map((key) => [key, problemOf(key)] as const);
    const fit = problems.filter(([, problem]) => problem === undefined).map(([key]) => key);
    if (fit.length === 0) throw new Error(`there is no key for signatures${whyNot(problems)}`);
    const unfit = problems.flatMap(([{ kid }, why]) =>
      why === undefined ? [] : [[kid as string, why] as const],
    );
    return new KeySet(fit, new Map(unfit));
  }

  has({ kid }: TokenHeader): boolean {
    return this.#names.has(kid) || this.#unfit.has(kid);
  }

  /** The claims' bytes. Rejects with `token-invalid` when none of these keys made the signature, with one of `algorithms`. */
  async verified(
    token: string,
    { alg, kid }: TokenHeader,
    algorithms: readonly string[],
  ): Promise<Uint8Array> {
    if (!algorithms.includes(alg)) throw unprovenToken('its algorithm is not one that its issuer may use');
    const problem = this.#names.has(kid) ? undefined : this.#unfit.get(kid);
    if (problem !== undefined) throw unprovenToken(`its key ${problem}`);
    const digest = hash('sha256', token, 'base64');
    const remembered = this.#remembered.get(digest);
    if (remembered !== undefined) return remembered;
    try {
      const { payload } = await compactVerify(token, this.#keyOf, { algorithms: [alg] });
      this.#remember(digest, payload);
      return payload;
    } catch (cause) {
      throw unprovenToken(reasonOf(cause));
    }
  }

  /** The oldest goes for the newest. Only what is genuine is remembered: nobody can push out others' by what they make up. */
  #remember(digest: string, payload: Uint8Array): void {
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size >= REMEMBERED_MAX && oldest !== undefined) this.#remembered.delete(oldest);
    this.#remembered.set(digest, payload);
  }
}

/** Why a key verifies nothing; undefined for one that may. */
function problemOf({ kty, use, key_ops: operations, crv, n, d }: Members): string | undefined {
  if (d !== undefined) return 'is published with its private half, so that everybody can sign with it';
  if (use !== undefined && use !== 'sig') return 'is not for signatures';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return 'is not for signatures';
  if (kty === 'RSA') return bitsOf(n) < RSA_BITS_MIN ? `is shorter than ${RSA_BITS_MIN} bits` : undefined;
  const curves = typeof kty === 'string' && Object.hasOwn(CURVES, kty) ? CURVES[kty]! : [];
  return curves.some((curve) => curve === crv) ? undefined : 'is of a type that is not taken';
}

function bitsOf(n: unknown): number {
  const bytes = typeof n === 'string' ? Buffer.from(n, 'base64url') : Buffer.alloc(0);
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.byteLength - first) * 8 - Math.clz32(bytes[first]!) + 24;
}

function whyNot(problems: readonly (readonly [key: Members, problem: string | undefined])[]): string {
  const [problem] = problems.flatMap(([, why]) => why ?? []);
  return problem === undefined ? ' that has a name (kid)' : `: one ${problem}`;
}

/**
 * In words of ours alone. The library's own may quote what they decoded; what was given as a token may be a password, and a
 * token that is not valid may still hold secrets (security case 15).
 */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return 'its signature is wrong';
  if (thrown instanceof errors.JWKSNoMatchingKey) return 'its algorithm is not the one of its key';
  if (thrown instanceof errors.JWKSMultipleMatchingKeys) return 'its issuer has two keys of that name';
  return 'it does not verify';
}
