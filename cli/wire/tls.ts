import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { failureWords } from '../failure-words.ts';

/** What a server showed. */
export interface SeenTls {
  /** Undefined where it showed none. */
  readonly certificate: X509Certificate | undefined;
  /** Why a client that verifies it would refuse; undefined where it would not. */
  readonly refused: string | undefined;
}

export interface TlsTrust {
  /** PEM; the CAs that Node brings when not given. */
  readonly ca?: string;
  readonly serverName: string;
  readonly protocol?: string;
}

/** TLS with what is on the socket, as a client that verifies chain and name does it; also a certificate that it refuses is shown. Rejects where there is no TLS. */
export function lookAtTls(socket: Socket, { ca, serverName, protocol }: TlsTrust): Promise<SeenTls> {
  return new Promise((resolve, reject) => {
    const secure: TLSSocket = connect({
      socket,
      host: serverName,
      servername: /^[\d.]+$|:/.test(serverName) ? '' : serverName,
      // Looked at below: a refused one is to be shown.
      rejectUnauthorized: false,
      ...(ca === undefined ? {} : { ca }),
      ...(protocol === undefined ? {} : { ALPNProtocols: [protocol] }),
    });
    secure.once('error', reject);
    secure.once('close', () => reject(new Error('it ended the connection')));
    secure.once('secureConnect', () => {
      const { authorizationError } = secure;
      resolve({
        certificate: secure.getPeerX509Certificate(),
        refused: secure.authorized ? undefined : wordsOf(authorizationError),
      });
      secure.destroy();
    });
  });
}

/** Node gives the code alone where the chain is at fault, and an error where the name is. */
function wordsOf(error: unknown): string {
  return failureWords(typeof error === 'string' ? { code: error } : error);
}
