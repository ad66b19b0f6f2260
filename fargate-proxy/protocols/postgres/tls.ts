import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import type { Device } from '#core/identity/principal.ts';
import { type CancelRequest, readStartup, type StartupPacket } from '#core/protocols/postgres/startup.ts';
import { HandshakeReader, type Parsed } from '../../wire/handshake.ts';

/** A TLS record begins with its content type: 22, handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;
/** What PostgreSQL 17 and its clients negotiate for direct TLS; without it a client of another protocol got here. */
const ALPN = 'postgresql';

type First = { readonly kind: 'direct-tls' } | StartupPacket;

/**
 * From a plain connection to TLS, by SSLRequest or directly. A cancel request may come without TLS: libpq before 17
 * knows no other way, and it carries nothing but the cancel key.
 * Rejects with `tls-required` for a login without TLS, and with `protocol-violation` when bytes were stuffed in before
 * TLS (CVE-2021-23222).
 */
export async function requireTls(socket: Socket, context: SecureContext): Promise<TLSSocket | CancelRequest> {
  const reader = new HandshakeReader(socket);
  for (;;) {
    const first = await reader.next(readFirst);
    switch (first.kind) {
      case 'direct-tls':
        socket.unshift(reader.rest());
        return requireAlpn(await acceptTls(socket, context));
      case 'ssl-request':
        refuseStuffing(reader);
        socket.write('S');
        return acceptTls(socket, context);
      case 'gss-request':
        refuseStuffing(reader);
        socket.write('N');
        break;
      case 'cancel':
        return first;
      case 'startup':
        throw new CustodyError('tls-required', 'this gateway accepts TLS connections only', {
          hint: 'connect with sslmode=verify-full',
        });
    }
  }
}

function readFirst(bytes: Uint8Array): Parsed<First> | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return { message: { kind: 'direct-tls' }, byteLength: 0 };
  const packet = readStartup(bytes);
  return packet === undefined ? undefined : { message: packet, byteLength: packet.byteLength };
}

function refuseStuffing(reader: HandshakeReader): void {
  if (reader.rest().byteLength === 0) return;
  throw new CustodyError('protocol-violation', 'data was sent before TLS was agreed', {
    hint: 'something between client and gateway may be tampering with the connection',
  });
}

function acceptTls(socket: Socket, context: SecureContext): Promise<TLSSocket> {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    ALPNProtocols: [ALPN],
    // A certificate is asked for and may be self-signed: a token names the one it is bound to (RFC 8705 section 4).
    requestCert: true,
    rejectUnauthorized: false,
  });
  return new Promise((resolve, reject) => {
    let cause: Error | undefined;
    secure.on('error', (error) => (cause = error));
    secure.once('_tlsError', (error: Error) => (cause = error));
    secure.once('secure', () => resolve(secure));
    secure.once('close', () => reject(handshakeFailed(cause)));
  });
}

/**
 * The client's certificate, where it showed one. TLS proves that it holds the key: a handshake with a key that is only
 * offered does not get this far (RFC 8446 section 4.4.3; security case 2).
 */
export function deviceOf(secure: TLSSocket): Device | undefined {
  const certificate = secure.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const thumbprint = createHash('sha256').update(certificate.raw).digest('base64url');
  return { thumbprint, expiresAt: certificate.validToDate };
}

function requireAlpn(secure: TLSSocket): TLSSocket {
  if (secure.alpnProtocol === ALPN) return secure;
  secure.destroy();
  throw new CustodyError('protocol-violation', 'direct TLS needs the ALPN protocol "postgresql"');
}

function handshakeFailed(cause: Error | undefined): CustodyError {
  return new CustodyError('protocol-violation', 'the TLS handshake failed', {
    ...(cause === undefined ? {} : { detail: cause.message, cause }),
  });
}
