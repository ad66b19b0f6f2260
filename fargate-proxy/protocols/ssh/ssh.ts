import type { Socket } from 'node:net';
import { asCustodyError } from '#core/errors.ts';
import type { Greeting, GreetingTime, Protocol } from '../../protocol.ts';
import { ClientSide } from './client-side.ts';
import { readCredential } from './credential.ts';
import { SshGreeting } from './greeting.ts';
import type { SshOptions } from './options.ts';

/** SSH, protocol 2.0 (RFC 4251 to 4254). */
export function sshProtocol(options: SshOptions): Protocol {
  return { name: 'ssh', greet: (socket, time) => greet(socket, time, options) };
}

async function greet(socket: Socket, time: GreetingTime, options: SshOptions): Promise<Greeting | undefined> {
  const { signal } = time;
  socket.on('error', () => socket.destroy());
  const client = new ClientSide(socket, options);
  const tooSlow = (): void => client.refuse(asCustodyError(signal.reason));
  signal.addEventListener('abort', tooSlow, { once: true });
  try {
    const shown = await readCredential(client, time, options);
    return new SshGreeting({ client, shown, options, signal });
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asCustodyError(thrown);
    client.refuse(error);
    // A probe of the port, or a client that goes to ask somebody for a token.
    if (error.code === 'peer-left') return undefined;
    throw error;
  } finally {
    signal.removeEventListener('abort', tooSlow);
  }
}
