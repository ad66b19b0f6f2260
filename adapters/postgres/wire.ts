/** Bytes to and from a gateway, inside TLS: nothing of a client library's own is between. */
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { CustodyError } from '#core/errors.ts';
import { encodeSslRequest } from '#core/protocols/postgres/startup.ts';
import type { OpenWire, Wire, WireEvents } from '#core/replay/rerun/postgres/live.ts';

export interface WireAddress {
  /** The target's name, for words. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** PEM. */
  readonly ca: string;
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  readonly connectSeconds: number;
}

const TAKES_TLS = 0x53; // S

/** Opens connections to one gateway. */
export function wireTo(address: WireAddress): OpenWire {
  return async (events) => {
    const socket = await secured(address);
    return wireOf(socket, events, address);
  };
}

function wireOf(socket: TLSSocket, events: WireEvents, address: WireAddress): Wire {
  let failure: Error | undefined;
  socket.on('data', (bytes: Buffer) => events.received(bytes));
  socket.on('error', (error) => (failure = error));
  socket.on('end', () => socket.end());
  socket.on('close', () => events.closed(failure?.message));
  return {
    send: async (bytes) => {
      if (socket.destroyed || socket.write(bytes)) return;
      const over = new AbortController();
      const drained = once(socket, 'drain', over).catch(() => undefined);
      const closed = once(socket, 'close', over).catch(() => undefined);
      await Promise.race([drained, closed]);
      over.abort();
    },
    cancel: async (request) => {
      const other = await secured(address).catch(() => undefined);
      if (other === undefined) return;
      other.on('error', () => undefined).resume();
      other.write(request);
      await Promise.race([once(other, 'close'), once(other, 'end')]).catch(() => undefined);
      other.destroy();
    },
    end: () => socket.end(),
  };
}

async function secured(address: WireAddress): Promise<TLSSocket> {
  const { host, port, name, connectSeconds } = address;
  const plain = connect({ host, port, noDelay: true });
  const giveUp = setTimeout(
    () => plain.destroy(new Error(`no answer within ${connectSeconds} s`)),
    connectSeconds * 1000,
  );
  try {
    await once(plain, 'connect');
    return await withTls(plain, address);
  } catch (error) {
    plain.destroy();
    throw new CustodyError('target-unreachable', `${name} cannot be reached: ${(error as Error).message}`);
  } finally {
    clearTimeout(giveUp);
  }
}

async function withTls(plain: Socket, { host, ca, clientCertificate }: WireAddress): Promise<TLSSocket> {
  plain.write(encodeSslRequest());
  const [answer] = (await once(plain, 'data')) as [Buffer];
  if (answer.length !== 1 || answer[0] !== TAKES_TLS) throw new Error('it does not take TLS');
  const servername = isIP(host) === 0 ? { servername: host } : {};
  const secure = connectTls({ socket: plain, host, ca, ...servername, ...clientCertificate });
  plain.once('error', (error) => secure.destroy(error));
  await once(secure, 'secureConnect');
  return secure;
}
