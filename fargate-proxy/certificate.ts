import { constants, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { CustodyError } from '#core/errors.ts';

/** Both PEM; the chain is in `cert`. */
export interface CertificatePair {
  readonly cert: string;
  readonly key: string;
}

/** What clients see. A renewed one counts from the next login on, and no task has to end for it. */
export class Certificate {
  readonly #read: () => Promise<CertificatePair>;
  #pair: CertificatePair;
  #context: SecureContext;

  private constructor(read: () => Promise<CertificatePair>, pair: CertificatePair) {
    this.#read = read;
    this.#pair = pair;
    this.#context = contextOf(pair);
  }

  /** Rejects with what `read` rejects with, and with `config-invalid`. */
  static async of(read: () => Promise<CertificatePair>): Promise<Certificate> {
    return new Certificate(read, await read());
  }

  get context(): SecureContext {
    return this.#context;
  }

  /** When the first of its chain ends: from then on no client takes it. */
  get ends(): Date {
    const chain = this.#pair.cert.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    const ends = chain.map((pem) => new X509Certificate(pem).validToDate.getTime());
    return new Date(Math.min(...ends));
  }

  /** True when there is another one now. Rejects as `of` does; then the one before stays. */
  async look(): Promise<boolean> {
    const pair = await this.#read();
    if (pair.cert === this.#pair.cert && pair.key === this.#pair.key) return false;
    this.#context = contextOf(pair);
    this.#pair = pair;
    return true;
  }
}

function contextOf({ cert, key }: CertificatePair): SecureContext {
  try {
    return createSecureContext({
      cert,
      key,
      minVersion: 'TLSv1.2',
      // A TLS 1.2 peer that renegotiates makes us work without end (CVE-2011-1473). Whoever resumes a session has not proved its key on
      // this connection; nor does libpq ever resume one, and tickets for it were a twentieth of a handshake.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
    });
  } catch (cause) {
    throw new CustodyError('config-invalid', 'the certificate of the gateway cannot be used', {
      hint: 'it and its key have to be PEM, and belong together',
      detail: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
