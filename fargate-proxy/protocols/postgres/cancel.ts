import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CancelWishes } from '#core/protocols/cancel-wishes.ts';
import type { CancelRequest } from '#core/protocols/postgres/startup.ts';

/** Sends the cancel to the target; resolves when the target has taken it. */
export type CancelAction = (from: string) => Promise<void>;

export interface CancelKey {
  readonly processId: number;
  readonly secret: Buffer;
}

interface Entry extends CancelKey {
  readonly cancel: CancelAction;
}

/**
 * The cancel keys given to clients. A key is random and valid for one session only, so that no client can stop another
 * one's query (security case 24); the target's own key never leaves the gateway.
 */
export class CancelKeys {
  readonly #entries = new Map<number, Entry>();
  readonly #wishes: CancelWishes | undefined;
  #taking = false;

  /** `wishes`: where several tasks stand behind one address. */
  constructor(wishes?: CancelWishes) {
    this.#wishes = wishes;
  }

  /** A new key: 4 bytes for protocol 3.0, 32 for 3.2. Call `revoke` with its process id when the session ends. */
  issue(minor: 0 | 2, cancel: CancelAction): CancelKey {
    let processId = randomProcessId();
    while (this.#entries.has(processId)) processId = randomProcessId();
    const secret = randomBytes(minor === 2 ? 32 : 4);
    this.#entries.set(processId, { processId, secret, cancel });
    return { processId, secret };
  }

  /** Makes the key known to other tasks, before the client has it: a cancel request may reach any of them. */
  async publish(key: CancelKey): Promise<void> {
    try {
      await this.#wishes?.issued(hashOf(key));
    } catch (error) {
      this.revoke(key.processId);
      throw error;
    }
  }

  revoke(processId: number): void {
    const entry = this.#entries.get(processId);
    this.#entries.delete(processId);
    // What stays behind names no session any more, and expires.
    if (entry !== undefined) this.#wishes?.revoked(hashOf(entry)).catch(() => undefined);
  }

  /** Cancels what the key belongs to, here or in another task. A wrong key is not answered, as in PostgreSQL. */
  async cancel({ processId, secret }: CancelRequest, from: string): Promise<void> {
    const entry = this.#entries.get(processId);
    if (entry?.secret.byteLength === secret.byteLength && timingSafeEqual(entry.secret, secret))
      return entry.cancel(from);
    await this.#wishes?.wish(hashOf({ processId, secret }), from);
  }

  /** Does what other tasks were asked for. Call it often: a person waits. */
  async takeWishes(): Promise<void> {
    if (this.#wishes === undefined || this.#entries.size === 0 || this.#taking) return;
    // Two looks at once would find the same wish.
    this.#taking = true;
    const wishes = await this.#wishes.taken().finally(() => (this.#taking = false));
    if (wishes.length === 0) return;
    const byHash = new Map([...this.#entries.values()].map((entry) => [hashOf(entry), entry]));
    await Promise.allSettled(wishes.map(async ({ key, from }) => byHash.get(key)?.cancel(from)));
  }
}

function hashOf({ processId, secret }: { readonly processId: number; readonly secret: Uint8Array }): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(processId >>> 0);
  return createHash('sha256').update('postgres').update(id).update(secret).digest('hex');
}

/** Positive and 31 bits: some clients print it as a process id. */
function randomProcessId(): number {
  return randomBytes(4).readUInt32BE() >>> 1 || 1;
}
