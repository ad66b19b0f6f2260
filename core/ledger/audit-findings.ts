import { asCustodyError } from '../errors.ts';

export type AuditCode =
  | 'ledger-altered'
  | 'ledger-rolled-back'
  | 'ledger-forked'
  | 'leaf-malformed'
  | 'tile-missing'
  | 'tile-altered'
  | 'object-unlisted'
  | 'object-unreadable'
  | 'session-missing'
  | 'session-unlisted'
  | 'session-unsealed'
  | 'session-altered'
  | 'statement-replaced'
  | 'opened-twice'
  | 'closed-twice'
  | 'closed-never-opened'
  | 'close-unlisted'
  | 'close-missing';

export interface AuditFinding {
  readonly code: AuditCode;
  /** The session it is about; undefined for the ledger itself. */
  readonly session?: string;
  readonly message: string;
}

/** Of one kind: what somebody can put into a store a million times is said so often, and then counted. */
const NAMED_MAX = 10_000;

/** Collects findings, and goes on after each. */
export class AuditFindings {
  readonly #named: AuditFinding[] = [];
  readonly #counts = new Map<AuditCode, number>();

  add(code: AuditCode, session: string | undefined, message: string): void {
    const count = (this.#counts.get(code) ?? 0) + 1;
    this.#counts.set(code, count);
    if (count <= NAMED_MAX)
      this.#named.push(session === undefined ? { code, message } : { code, session, message });
  }

  /**
   * What `read` gives; undefined after a finding that names `key`, which `missing` is for where nothing is there. Rejects only
   * when the store cannot be reached: then nothing was found out.
   */
  async reading<T>(
    key: string,
    read: () => Promise<T>,
    missing: AuditCode = 'object-unreadable',
    session?: string,
  ): Promise<T | undefined> {
    try {
      return await read();
    } catch (thrown) {
      const { code, message } = asCustodyError(thrown);
      if (code === 'store-unavailable') throw thrown;
      const what = message.includes(key) ? message : `${key}: ${message}`;
      this.add(
        code === 'not-found' ? missing : 'object-unreadable',
        session,
        code === 'not-found' ? `${key} is missing` : what,
      );
      return undefined;
    }
  }

  /** In the order in which they were found, then how many more of each kind there are. */
  all(): readonly AuditFinding[] {
    const more = [...this.#counts].filter(([, count]) => count > NAMED_MAX);
    return [
      ...this.#named,
      ...more.map(([code, count]) => ({ code, message: `${count - NAMED_MAX} more of this kind` })),
    ];
  }
}
