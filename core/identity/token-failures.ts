import { hash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { CustodyError } from '../errors.ts';
import { TOKEN_MAX_BYTES, tokenPart } from './token-part.ts';

const WINDOW_MS = 60_000;
/** Guesses of one address with one name that are put up with in a window: enough for a person, too few for a guesser. */
const ALLOWED = 20;
/** Guesses of one address under all names: whoever guesses can make up names as well. */
const ALLOWED_IN_ALL = 200;
/** A name that was proved from an address is known there for so long. */
const KNOWN_FOR_MS = 12 * 3_600_000;
/** Others are told of it again well before they forget it. */
const TOLD_AGAIN_MS = KNOWN_FOR_MS / 12;
/** Of each sort; beyond them the one that was heard of longest ago is forgotten. */
const REMEMBERED_MAX = 10_000;

/** Who something that is no token says that it is of. */
export interface Claimed {
  readonly claimed: readonly string[];
}

/** A token, which is read for what it claims, or what another kind of credential does. */
export type Shown = string | Claimed;

/** A guess as other processes are told of it: nothing of what was shown is in it. */
export interface Guess {
  readonly network: string;
  readonly name: string;
}

/** What is done about one who shows something. */
export interface Visit {
  /** Throws `too-many-failures` when there were too many guesses; such a token is then not even looked at. */
  check(): void;
  /** The token was a guess: it proved nothing. One that is genuine and has expired, or is for somebody else, is none. */
  failed(): void;
  /** The token was good. */
  proved(): void;
}

/** The other processes of one gateway, which are told what happened here. */
export interface FailuresElsewhere {
  readonly guessed: (guess: Guess) => void;
  readonly proved: (name: string) => void;
}

interface Window {
  readonly since: number;
  failures: number;
}

/**
 * How often somebody guessed, by the address and by the name that the token claims: its key, issuer and subject. Whoever keeps
 * showing one bad token shuts out itself, and no colleague behind the same address. Under many names an address is shut as a
 * whole, but for names that were proved from it before. A guesser who knows a colleague's name and shares the address can shut
 * that colleague out, and nobody else. Lives in one process and for its time alone, but for what it tells others and hears of them.
 */
export class TokenFailures {
  /** Apart, so that many names do not drive out an address. */
  readonly #ofNetworks = new Recent<Window>();
  readonly #ofNames = new Recent<Window>();
  /** When a name was last proved from an address. */
  readonly #proved = new Recent<number>();
  readonly #now: () => number;
  readonly #allowed: number;
  readonly #elsewhere: FailuresElsewhere | undefined;

  /** `now`: milliseconds, monotonic. `allowed`: guesses of one address with one name within a minute. */
  constructor(now: () => number, allowed = ALLOWED, elsewhere?: FailuresElsewhere) {
    this.#now = now;
    this.#allowed = allowed;
    this.#elsewhere = elsewhere;
  }

  /** Whoever shows something, which is read once. */
  visit(address: string | undefined, token?: Shown): Visit {
    const network = networkOf(address);
    const guess = { network, name: nameOf(network, token) };
    return {
      check: () => this.#check(guess),
      failed: () => this.#guessed(guess),
      proved: () => this.#prove(guess),
    };
  }

  /** As of a visit. */
  check(address: string | undefined, token?: Shown): void {
    this.visit(address, token).check();
  }

  failed(address: string | undefined, token?: Shown): void {
    this.visit(address, token).failed();
  }

  proved(address: string | undefined, token: Shown): void {
    this.visit(address, token).proved();
  }

  #check({ network, name }: Guess): void {
    this.#refuseBeyond(this.#allowed, this.#window(this.#ofNames, name));
    if (this.#isKnown(name)) return;
    this.#refuseBeyond(Math.max(ALLOWED_IN_ALL, this.#allowed), this.#window(this.#ofNetworks, network));
  }

  #guessed(guess: Guess): void {
    this.heardGuess(guess);
    this.#elsewhere?.guessed(guess);
  }

  /** One that another process was shown. */
  readonly heardGuess = ({ network, name }: Guess): void => {
    this.#count(this.#ofNetworks, network);
    this.#count(this.#ofNames, name);
  };

  #prove({ name }: Guess): void {
    if (!this.#isKnown(name, TOLD_AGAIN_MS)) this.#elsewhere?.proved(name);
    this.heardProof(name);
  }

  /** A name that was proved to another process. */
  readonly heardProof = (name: string): void => this.#proved.set(name, this.#now());

  #count(windows: Recent<Window>, key: string): void {
    const window = this.#window(windows, key) ?? { since: this.#now(), failures: 0 };
    window.failures += 1;
    windows.set(key, window);
  }

  #refuseBeyond(allowed: number, window: Window | undefined): void {
    if (window === undefined || window.failures < allowed) return;
    const seconds = Math.ceil((window.since + WINDOW_MS - this.#now()) / 1000);
    throw new CustodyError('too-many-failures', 'too many tokens from this address were not valid', {
      hint: `try again in ${seconds} s`,
    });
  }

  #isKnown(name: string, forMs = KNOWN_FOR_MS): boolean {
    const at = this.#proved.get(name);
    return at !== undefined && this.#now() - at < forMs;
  }

  #window(windows: Recent<Window>, key: string): Window | undefined {
    const window = windows.get(key);
    return window !== undefined && this.#now() - window.since < WINDOW_MS ? window : undefined;
  }
}

/** A map that forgets what was set longest ago. */
class Recent<V> {
  readonly #values = new Map<string, V>();

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    const [oldest] = this.#values.keys();
    if (this.#values.size > REMEMBERED_MAX) this.#values.delete(oldest!);
  }
}

/** One name at one address: a hash, since what was shown may be a password (security case 15). */
function nameOf(network: string, token: Shown | undefined): string {
  return `${network} ${hash('sha256', claimedBy(token), 'base64url')}`;
}

/** Whose it says it is, which nobody has vouched for. All that is no token has one name. */
function claimedBy(token: Shown | undefined): string {
  if (typeof token === 'object') return JSON.stringify(token.claimed);
  if (token === undefined || token.length > TOKEN_MAX_BYTES) return '';
  const [header, claims] = token.split('.', 2);
  const { kid } = tokenPart(header) ?? {};
  const { iss, sub } = tokenPart(claims) ?? {};
  return [kid, iss, sub].every((part) => part === undefined) ? '' : JSON.stringify([kid, iss, sub]);
}

/** What counts as one address. A subscriber has a /64 of IPv6 to choose addresses from (RFC 6177). */
export function networkOf(address = ''): string {
  const [bare = ''] = address.split('%');
  if (!ipaddr.isValid(bare)) return 'unknown';
  const parsed = ipaddr.process(bare);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return parsed.toByteArray().slice(0, 8).join('.');
}
