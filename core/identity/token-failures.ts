import ipaddr from 'ipaddr.js';
import { CustodyError } from '../errors.ts';

const WINDOW_MS = 60_000;
/** Failures of one address in a window that are put up with: enough for a person, too few for a guesser. */
const ALLOWED = 20;
/** Addresses remembered; beyond them the one that has failed longest ago is forgotten. */
const ADDRESSES_MAX = 10_000;

interface Window {
  readonly since: number;
  failures: number;
}

/** How often tokens failed, by the address they came from. Lives in one process and for its time alone. */
export class TokenFailures {
  readonly #windows = new Map<string, Window>();
  readonly #now: () => number;
  readonly #allowed: number;

  /** `now`: milliseconds, monotonic. `allowed`: failures of one address within a minute. */
  constructor(now: () => number, allowed = ALLOWED) {
    this.#now = now;
    this.#allowed = allowed;
  }

  /** Throws `too-many-failures` when this address has failed too often; its tokens are then not even looked at. */
  check(address: string | undefined): void {
    const window = this.#window(networkOf(address));
    if (window === undefined || window.failures < this.#allowed) return;
    const seconds = Math.ceil((window.since + WINDOW_MS - this.#now()) / 1000);
    throw new CustodyError('too-many-failures', 'too many tokens from this address were not valid', {
      hint: `try again in ${seconds} s`,
    });
  }

  failed(address: string | undefined): void {
    const network = networkOf(address);
    const window = this.#window(network) ?? { since: this.#now(), failures: 0 };
    window.failures += 1;
    this.#windows.delete(network);
    this.#windows.set(network, window);
    const [oldest] = this.#windows.keys();
    if (this.#windows.size > ADDRESSES_MAX) this.#windows.delete(oldest!);
  }

  #window(network: string): Window | undefined {
    const window = this.#windows.get(network);
    return window !== undefined && this.#now() - window.since < WINDOW_MS ? window : undefined;
  }
}

/** What counts as one address. A subscriber has a /64 of IPv6 to choose addresses from (RFC 6177). */
export function networkOf(address = ''): string {
  const [bare = ''] = address.split('%');
  if (!ipaddr.isValid(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return parsed.toByteArray().slice(0, 8).join('.');
}
