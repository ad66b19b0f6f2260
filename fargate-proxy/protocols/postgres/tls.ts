import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import {
  askedMajor,
  type CancelRequest,
  readStartup,
  type StartupPacket,
} from '#core/protocols/postgres/startup.ts';
import { HandshakeReader, type Parsed } from '../../wire/handshake.ts';
import { handshaken } from '../../wire/tls-device.ts';

/** A TLS record begins with its content type: 22, handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;
/** What PostgreSQL 17 and its clients negotiate for direct TLS; without it a client of another protocol got here. */
const ALPN = 'postgresql';
/**
 * As large as PostgreSQL's own send buffer makes them. What libpq has no room for of a larger one stays in its TLS, and whoever waits on the
 * socket, as its asynchronous functions ask, waits for ever: pg_basebackup did.
 */
const CLIENT_RECORD_BYTES = 8192;

const MAJOR = 3;

type First = { readonly kind: 'direct-tls' } | StartupPacket;

/** Who is at the other end, before there is a login. */
export interface Peer {
  /** Where to speak to it: TLS as soon as there is TLS. */
  socket: Socket;
  /**
   * The major version of the protocol that it speaks, known once a whole startup packet is there. Anything else may speak
   * anything, or may wait for one byte that answers its SSLRequest: the server closes without a word on it.
   */
  speaks: number | undefined;
}

/**
 * From a plain connection to TLS, by SSLRequest or directly. A cancel request may come without TLS: libpq before 17
 * knows no other way, and it carries nothing but the cancel key.
 * Rejects with `tls-required` for a login without TLS, with `peer-left`, and with `protocol-violation`, also when bytes were
 * stuffed in before TLS (CVE-2021-23222): those are dropped, and whoever then comes to TLS is told.
 */
export async function requireTls(peer: Peer, context: SecureContext): Promise<TLSSocket | CancelRequest> {
  const { socket } = peer;
  const reader = new HandshakeReader(socket);
  for (let refusedGss = false; ; refusedGss = true) {
    const first = await reader.next((bytes) => readFirst(bytes, peer));
    switch (first.kind) {
      case 'direct-tls':
        socket.unshift(reader.rest());
        return requireAlpn(await acceptTls(socket, context));
      case 'ssl-request':
        return answerSslRequest(peer, context, reader.rest());
      case 'gss-request':
        if (refusedGss) throw encryptionAskedTwice(peer);
        refuseStuffing(reader.rest());
        socket.write('N');
        break;
      case 'cancel':
        return first;
      case 'startup':
        throw new CustodyError('tls-required', 'this gateway accepts TLS connections only', {
          hint: 'connect with sslmode=verify-full; if another error came before this one, that is the true reason',
        });
    }
  }
}

function readFirst(bytes: Uint8Array, peer: Peer): Parsed<First> | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return { message: { kind: 'direct-tls' }, byteLength: 0 };
  return readFirstPacket(bytes, peer);
}

/** A startup packet, or what may come in its place. Notes as soon as it is whole that the peer speaks PostgreSQL. */
export function readFirstPacket(bytes: Uint8Array, peer: Peer): Parsed<StartupPacket> | undefined {
  peer.speaks = askedMajor(bytes);
  const packet = readStartup(bytes);
  return packet === undefined ? undefined : { message: packet, byteLength: packet.byteLength };
}

/** The server knows each request once; again, it is a protocol that it does not speak. */
export function encryptionAskedTwice(peer: Peer): CustodyError {
  peer.speaks = MAJOR;
  return new CustodyError('protocol-violation', 'encryption was asked for twice');
}

async function answerSslRequest(peer: Peer, context: SecureContext, stuffed: Buffer): Promise<TLSSocket> {
  peer.socket.write('S');
  const secure = await acceptTls(peer.socket, context);
  peer.socket = secure;
  if (stuffed.byteLength > 0) peer.speaks = MAJOR;
  refuseStuffing(stuffed);
  return secure;
}

function refuseStuffing(rest: Buffer): void {
  if (rest.byteLength === 0) return;
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
  secure.setMaxSendFragment(CLIENT_RECORD_BYTES);
  return handshaken(secure);
}

function requireAlpn(secure: TLSSocket): TLSSocket {
  if (secure.alpnProtocol === ALPN) return secure;
  secure.destroy();
  throw new CustodyError('protocol-violation', 'direct TLS needs the ALPN protocol "postgresql"');
}
