import { createHmac, timingSafeEqual } from 'node:crypto';
import type { EvidenceLinks } from '#core/replay/links.ts';

const VALID_MS = 60_000;
const PATH = '/objects/';
/** A name that layout.ts gives, of a session that the gateway named. */
const KEY =
  /^sessions\/[0-9a-f-]{36}\/(?:open\.json|close\.json|open\.json\.sig|close\.json\.sig|\d{8}\.seg)$/;

/** What presigned links are in the cloud: an address that proves it was given out, for a minute. */
export class LocalEvidenceLinks implements EvidenceLinks {
  readonly #base: string;
  readonly #secret: Uint8Array;
  readonly #now: () => Date;

  /** `secret`: random, of this process alone. */
  constructor(base: string, secret: Uint8Array, now: () => Date) {
    this.#base = base;
    this.#secret = secret;
    this.#now = now;
  }

  async linkTo(key: string): Promise<string> {
    const expires = this.#now().getTime() + VALID_MS;
    return `${this.#base}${PATH}${key}?expires=${expires}&signature=${this.#sign(key, expires).toString('hex')}`;
  }

  /** The key that a request's path and query name, or undefined unless this object gave out the link and it still holds. */
  keyOf(url: URL): string | undefined {
    if (!url.pathname.startsWith(PATH)) return undefined;
    const key = url.pathname.slice(PATH.length);
    const expires = Number(url.searchParams.get('expires'));
    const signature = Buffer.from(url.searchParams.get('signature') ?? '', 'hex');
    const expected = this.#sign(key, expires);
    const genuine = signature.byteLength === expected.byteLength && timingSafeEqual(signature, expected);
    return genuine && expires > this.#now().getTime() && KEY.test(key) ? key : undefined;
  }

  #sign(key: string, expires: number): Buffer {
    return createHmac('sha256', this.#secret).update(`${expires}\n${key}`).digest();
  }
}
