import { constants } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';

type Tls = Extract<PostgresTarget['tls'], { mode: 'verify-full' }>;

interface Known {
  readonly version: string;
  readonly context: Promise<SecureContext>;
}

/**
 * Whom targets' certificates are checked against. A file is read and parsed when it is first needed and when it has
 * changed, not for every session: a bundle of RDS takes the relay's thread 8 ms.
 */
export class Trust {
  readonly #rdsBundle: string | undefined;
  readonly #files = new Map<string, Known>();
  #system: SecureContext | undefined;

  /** `rdsBundle`: the file that `ca: rds` means. */
  constructor(rdsBundle: string | undefined) {
    this.#rdsBundle = rdsBundle;
  }

  /** Rejects with `config-invalid` where `ca: rds` means nothing, and with what the file system or TLS says of a file. */
  async contextFor({ ca, caFile }: Tls): Promise<SecureContext> {
    const file = ca === 'rds' ? this.#bundle() : caFile;
    return file === undefined ? (this.#system ??= contextOf()) : this.#ofFile(file);
  }

  #bundle(): string {
    if (this.#rdsBundle !== undefined) return this.#rdsBundle;
    throw new CustodyError('config-invalid', 'no RDS bundle here: CUSTODY_RDS_CA names no file');
  }

  async #ofFile(file: string): Promise<SecureContext> {
    const version = await versionOf(file, file === this.#rdsBundle);
    const known = this.#files.get(file);
    if (known?.version === version) return known.context;
    const fresh = { version, context: readFile(file).then(contextOf) };
    this.#files.set(file, fresh);
    // What cannot be read or parsed now may be when it is next needed.
    fresh.context.catch(() => this.#files.get(file) === fresh && this.#files.delete(file));
    return fresh.context;
  }
}

/** Another one for a file that was written or replaced since. */
async function versionOf(file: string, isBundle: boolean): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true }).catch((cause: Error) => {
    if (!isBundle) throw cause;
    throw new CustodyError('config-invalid', `no RDS bundle here: ${cause.message}`, { cause });
  });
  return [ino, size, mtimeNs, ctimeNs].join();
}

/** Without `ca`: what the machine trusts. */
function contextOf(ca?: Buffer): SecureContext {
  return createSecureContext({
    minVersion: 'TLSv1.2',
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(ca === undefined ? {} : { ca }),
  });
}
