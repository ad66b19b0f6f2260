import { hash, randomBytes } from 'node:crypto';
import { TokenFailures } from '#core/identity/token-failures.ts';
import type { CancelWishes } from '#core/protocols/cancel-wishes.ts';
import type { CancelRequest } from '#core/protocols/postgres/startup.ts';

/** Sends the cancel to the target; resolves when the target has taken it. */
export type CancelAction = (from: string) => Promise<void>;

export interface CancelKey {
  /** Of the target's process, so that a client can tell itself in what the target says. */
  readonly processId: number;
  /** The gateway's own. */
  readonly secret: Buffer;
  /** What it is known by. */
  readonly hash: string;
}

/** Whoever asks for a cancel, as its socket has it. */
export interface Canceller {
  readonly address: string | undefined;
  readonly port: number | undefined;
}

/**
 * Wrong keys of one address in a minute that are put up with. A key of protocol 3.0 has 32 secret bits, as in PostgreSQL: all
 * of them at this rate take 27 years. Enough for an office behind one address: what another task has to cancel counts too.
 */
const WRONG_MAX = 300;

/** The processes that have keys of one gateway: a cancel request may come to any. */
export interface KeysAmong {
  readonly of: number;
  /** Has another one cancel what the key belongs to, by its hash. False where none knows it. */
  readonly cancel: (hash: string, from: string) => Promise<boolean>;
}

/**
 * The cancel keys given to clients: the target's process id with a secret that is random and valid for one session only,
 * so that no client can stop another one's query (security case 24); the target's own secret never leaves the gateway.
 * Processes of several targets may have one id: a key is found by both of its parts.
 */
export class CancelKeys {
  readonly #actions = new Map<string, CancelAction>();
  /** When keys are known to other tasks, for as long as they mean something. */
  readonly #known = new Map<string, Promise<void>>();
  readonly #wishes: CancelWishes | undefined;
  readonly #wrong: TokenFailures;
  readonly #among: KeysAmong;
  #taking = false;

  /** `wishes`: where several tasks stand behind one address. `now`: milliseconds, monotonic. */
  constructor(
    wishes?: CancelWishes,
    now: () => number = () => performance.now(),
    among: KeysAmong = { of: 1, cancel: async () => false },
  ) {
    this.#wishes = wishes;
    this.#among = among;
    this.#wrong = new TokenFailures(now, Math.ceil(WRONG_MAX / among.of));
  }

  /** A new key: a secret of 4 bytes for protocol 3.0, 32 for 3.2. Call `revoke` when the session ends. */
  issue(processId: number, minor: 0 | 2, cancel: CancelAction): CancelKey {
    let key = newKey(processId, minor);
    while (this.#actions.has(key.hash)) key = newKey(processId, minor);
    this.#actions.set(key.hash, cancel);
    return key;
  }

  /**
   * Makes the key known to other tasks, which a cancel request may reach; nobody waits for it, as they look twice. Rejects when it
   * cannot: then cancel requests that reach this task are answered, and no others.
   */
  publish({ hash: known }: CancelKey): Promise<void> {
    if (this.#wishes === undefined) return Promise.resolve();
    const published = this.#wishes.issued(known);
    this.#known.set(
      known,
      published.catch(() => undefined),
    );
    return published;
  }

  revoke({ hash: known }: CancelKey): void {
    if (!this.#actions.delete(known)) return;
    // What stays behind names no session any more, and expires. It was made known first.
    const published = this.#known.get(known);
    if (published === undefined) return;
    this.#known.delete(known);
    void published.then(() => this.#wishes?.revoked(known)).catch(() => undefined);
  }

  /**
   * Cancels what the key belongs to: here, in another process of this gateway, or in another task. A wrong key is not answered, as in PostgreSQL; from an
   * address that has sent too many, none is looked at.
   */
  async cancel(request: CancelRequest, { address, port }: Canceller): Promise<void> {
    this.#wrong.check(address);
    const asked = hashOf(request.processId, request.secret);
    const from = `${address}:${port}`;
    const cancelling = this.cancelKnown(asked, from);
    if (cancelling !== undefined) return cancelling;
    if (await this.#among.cancel(asked, from)) return;
    this.#wrong.failed(address);
    await this.#wishes?.wish(asked, from);
  }

  /** For another process of this gateway: by the hash of the key. Undefined where it is not known here. */
  readonly cancelKnown = (asked: string, from: string): Promise<void> | undefined =>
    this.#actions.get(asked)?.(from);

  /** Does what other tasks were asked for. Call it often: a person waits. */
  async takeWishes(): Promise<void> {
    if (this.#wishes === undefined || this.#actions.size === 0 || this.#taking) return;
    // Two looks at once would find the same wish.
    this.#taking = true;
    const wishes = await this.#wishes.taken().finally(() => (this.#taking = false));
    await Promise.allSettled(wishes.map(async ({ key, from }) => this.#actions.get(key)?.(from)));
  }
}

function newKey(processId: number, minor: 0 | 2): CancelKey {
  const secret = randomBytes(minor === 2 ? 32 : 4);
  return { processId, secret, hash: hashOf(processId, secret) };
}

/** Keys are kept and looked for by their hash alone: how long that takes tells nothing of a secret. */
function hashOf(processId: number, secret: Uint8Array): string {
  const id = Buffer.alloc(4);
  id.writeInt32BE(processId);
  return hash('sha256', Buffer.concat([Buffer.from('postgres'), id, secret]), 'hex');
}
