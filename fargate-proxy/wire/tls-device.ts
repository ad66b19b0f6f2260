import { createHash } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import type { ProvedKey } from '#core/identity/credential.ts';
import { keyFingerprint } from '#core/identity/key-fingerprint.ts';

/**
 * The client's certificate, where it showed one. TLS proves that it holds the key: a handshake with a key that is only
 * offered does not get this far (RFC 8446 section 4.4.3; security case 2).
 */
export function deviceOf(secure: TLSSocket): ProvedKey | undefined {
  const certificate = secure.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  return {
    key: keyFingerprint(certificate.publicKey),
    proof: 'tls-certificate',
    thumbprint,
    expiresAt: certificate.validToDate,
  };
}

/** Resolves once the handshake is over. Rejects with `peer-left`, and with `protocol-violation`. */
export function handshaken(secure: TLSSocket): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    let cause: Error | undefined;
    secure.on('error', (error) => (cause = error));
    secure.once('_tlsError', (error: Error) => (cause = error));
    // Off again: at the end of each session it would make an error that nobody hears.
    const closed = (): void => reject(handshakeFailed(cause));
    secure.once('close', closed);
    secure.once('secure', () => {
      secure.off('close', closed);
      resolve(secure);
    });
  });
}

function handshakeFailed(cause: (Error & { readonly code?: string }) | undefined): CustodyError {
  if (cause === undefined || cause.code === 'ECONNRESET' || cause.code === 'EPIPE')
    return new CustodyError('peer-left', 'the connection was closed during the login');
  return new CustodyError('protocol-violation', 'the TLS handshake failed', { detail: cause.message, cause });
}
