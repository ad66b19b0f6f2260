import { createHmac, timingSafeEqual } from 'node:crypto';
import { CLOSE, OPEN, objectKey, segmentNumber, signatureName, TASK_RESULT } from '#core/recording/layout.ts';
import type { EvidenceLinks } from '#core/replay/links.ts';

const VALID_MS = 60_000;
const PATH = '/objects/';
const SESSION_KEY = /^sessions\/(?<session>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(?<name>[^/]+)$/;
const STATEMENTS = [OPEN, CLOSE].flatMap((name) => [name, signatureName(name)]);

/** What presigned links are in the cloud: an address that proves it was given out, for a minute. */
export class LocalEvidenceLinks implements EvidenceLinks {
  readonly #base: string;
  readonly #secret: Uint8Array;
  readonly #now: () => Date;

  /** `base`: the server's address, without a slash at its end. `secret`: 32 random bytes, of this process alone. */
  constructor(base: string, secret: Uint8Array, now: () => Date) {
    this.#base = base;
    this.#secret = secret;
    this.#now = now;
  }

  async linkTo(key: string): Promise<string> {
    const expires = this.#now().getTime() + VALID_MS;
    const sig = this.#sign(key, expires).toString('hex');
    const path = key.split('/').map(encodeURIComponent).join('/');
    return `${this.#base}${PATH}${path}?expires=${expires}&sig=${sig}`;
  }

  /**
   * The key that a request's address names; undefined unless this object gave the address out, it has not expired, and
   * the key is one of an evidence object. Whatever else is wrong with it is not told.
   */
  keyOf({ pathname, searchParams }: URL): string | undefined {
    if (!pathname.startsWith(PATH)) return undefined;
    const key = pathname.slice(PATH.length);
    const expires = /^\d{13}$/.test(searchParams.get('expires') ?? '')
      ? Number(searchParams.get('expires'))
      : 0;
    const genuine = this.#isGenuine(key, expires, searchParams.get('sig') ?? '');
    return genuine && expires > this.#now().getTime() && isEvidenceKey(key) ? key : undefined;
  }

  #isGenuine(key: string, expires: number, sig: string): boolean {
    if (!/^[0-9a-f]{64}$/.test(sig)) return false;
    return timingSafeEqual(Buffer.from(sig, 'hex'), this.#sign(key, expires));
  }

  /** The number comes first: it cannot run into the key. */
  #sign(key: string, expires: number): Buffer {
    return createHmac('sha256', this.#secret).update(`${expires}\n${key}`).digest();
  }
}

/** Only what layout.ts names: such a key cannot leave the store, nor its session. */
function isEvidenceKey(key: string): boolean {
  const { session, name } = SESSION_KEY.exec(key)?.groups ?? {};
  if (session === undefined || name === undefined) return false;
  const known = STATEMENTS.includes(name) || name === TASK_RESULT || segmentNumber(name) !== undefined;
  return known && objectKey(session, name) === key;
}
