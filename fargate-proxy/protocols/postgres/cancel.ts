import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { CancelRequest } from '#core/protocols/postgres/startup.ts';

/** Sends the cancel to the target; resolves when the target has taken it. */
export type CancelAction = (from: string) => Promise<void>;

interface Entry {
  readonly secret: Buffer;
  readonly cancel: CancelAction;
}

/**
 * The cancel keys given to clients. A key is random and valid for one session only, so that no client can stop another
 * one's query (security case 24); the target's own key never leaves the gateway.
 */
export class CancelKeys {
  readonly #entries = new Map<number, Entry>();

  /** A new key: 4 bytes for protocol 3.0, 32 for 3.2. Call `revoke` with its process id when the session ends. */
  issue(minor: 0 | 2, cancel: CancelAction): { readonly processId: number; readonly secret: Buffer } {
    let processId = randomProcessId();
    while (this.#entries.has(processId)) processId = randomProcessId();
    const secret = randomBytes(minor === 2 ? 32 : 4);
    this.#entries.set(processId, { secret, cancel });
    return { processId, secret };
  }

  revoke(processId: number): void {
    this.#entries.delete(processId);
  }

  /** Cancels what the key belongs to. A wrong key is not answered, as in PostgreSQL. */
  async cancel({ processId, secret }: CancelRequest, from: string): Promise<void> {
    const entry = this.#entries.get(processId);
    if (entry === undefined || entry.secret.byteLength !== secret.byteLength) return;
    if (timingSafeEqual(entry.secret, secret)) await entry.cancel(from);
  }
}

/** Positive and 31 bits: some clients print it as a process id. */
function randomProcessId(): number {
  return randomBytes(4).readUInt32BE() >>> 1 || 1;
}
