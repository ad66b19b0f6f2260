import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Gateway } from '#proxy/gateway.ts';
import { listen } from '#proxy/listener.ts';
import type { Protocol } from '#proxy/protocol.ts';
import { freePort } from '#test/support/sshd.ts';

const protocol = (name: Protocol['name']): Protocol => ({ name, greet: async () => undefined });

/** Says whom it serves, and hangs up. */
function gateway() {
  const served: string[] = [];
  const serve: Gateway['serve'] = ({ name }, socket) => {
    served.push(name);
    socket.end(name);
  };
  return { served, gateway: { serve } as Gateway };
}

async function answerAt(port: number): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const said: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => said.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(said).toString();
}

const nobody = (): void => undefined;

describe('the doorways of a gateway', () => {
  it('are one for each protocol, and close together', async () => {
    const [one, two] = [await freePort(), await freePort()];
    const doorways = [
      { protocol: protocol('postgres'), host: '127.0.0.1', port: one },
      { protocol: protocol('ssh'), host: '127.0.0.1', port: two },
    ];
    const listeners = await listen(doorways, gateway().gateway, nobody);
    expect([await answerAt(one), await answerAt(two)]).toEqual(['postgres', 'ssh']);
    expect(listeners.listening).toBe(true);
    listeners.close();
    expect(listeners.listening).toBe(false);
    await expect(answerAt(two)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('open all or none', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void taken.close());
    await once(taken, 'listening');
    const [free, { port }] = [await freePort(), taken.address() as { port: number }];
    const doorways = [
      { protocol: protocol('postgres'), host: '127.0.0.1', port: free },
      { protocol: protocol('ssh'), host: '127.0.0.1', port },
    ];
    await expect(listen(doorways, gateway().gateway, nobody)).rejects.toMatchObject({
      code: 'config-invalid',
      message: `port ${port} on 127.0.0.1 is taken`,
    });
    await expect(answerAt(free)).rejects.toThrow(/ECONNREFUSED/);
  });
});
