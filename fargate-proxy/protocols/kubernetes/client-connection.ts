import type { TLSSocket } from 'node:tls';
import type { ProvedKey } from '#core/identity/credential.ts';
import type { Reception } from '../../protocol.ts';
import type { Ends } from '../../wire/unanswered.ts';

/** A client's connection: calls of several sessions may come by it. */
export class ClientConnection {
  readonly secure: TLSSocket;
  readonly reception: Reception;
  /** The client's address, without its port. */
  readonly network: string;
  readonly ends: Ends;
  readonly device: ProvedKey | undefined;
  /** The name that it was made to (SNI). */
  readonly serverName: string | undefined;
  #joined = false;

  constructor(secure: TLSSocket, reception: Reception, device: ProvedKey | undefined) {
    const { localAddress, localPort, remoteAddress, remotePort, servername } = secure;
    this.secure = secure;
    this.reception = reception;
    this.device = device;
    this.network = remoteAddress ?? '';
    this.ends = { localAddress, localPort, remoteAddress, remotePort };
    this.serverName =
      typeof servername === 'string' && servername !== '' ? servername.toLowerCase() : undefined;
  }

  /** A call of a session came by it. Throws `too-many-connections`. */
  join(): void {
    if (this.#joined) return;
    this.reception.join();
    this.#joined = true;
  }

  get isJoined(): boolean {
    return this.#joined;
  }
}
