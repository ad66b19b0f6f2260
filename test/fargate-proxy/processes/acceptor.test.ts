import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Entry } from '#proxy/entries.ts';
import { listen } from '#proxy/listener.ts';
import { Acceptor, type Taker } from '#proxy/processes/acceptor.ts';
import { freePort } from '#test/support/sshd.ts';

const postgres: Entry = { name: 'postgres', together: false };

interface Faked {
  readonly socket: Socket;
  reset: boolean;
}

function faked(port: number): Faked {
  const made = { reset: false, socket: undefined as unknown as Socket };
  made.socket = {
    remoteAddress: '192.0.2.1',
    remotePort: port,
    resetAndDestroy: () => (made.reset = true),
  } as unknown as Socket;
  return made;
}

function stand() {
  const state = { now: 0, free: false, taken: [] as (number | undefined)[] };
  const looks: (() => void)[] = [];
  const pushedOut: string[] = [];
  const taker = (): Taker => ({
    ...{ number: 1, load: 0, isFull: false, mayBeFull: false, isStuck: false },
    isIdle: state.free,
    take: (_door, { remotePort }) => void state.taken.push(remotePort),
  });
  const acceptor = new Acceptor({
    of: 1,
    takers: () => [taker()],
    patienceMs: 10_000,
    now: () => state.now,
    every: (_ms, work) => looks.push(work),
    onPushedOut: (client) => pushedOut.push(client),
  });
  return { acceptor, state, pushedOut, look: () => looks[0]!() };
}

describe('the acceptor', () => {
  it('keeps who comes until somebody takes them, in their order', () => {
    const { acceptor, state } = stand();
    for (const port of [1, 2, 3]) acceptor.serve(postgres, faked(port).socket);
    expect([state.taken, acceptor.waiting]).toEqual([[], 3]);
    state.free = true;
    acceptor.handOn();
    expect([state.taken, acceptor.waiting]).toEqual([[1, 2, 3], 0]);
  });

  it('keeps no more than 512: then the one goes that has waited for the longest', () => {
    const { acceptor, pushedOut } = stand();
    const all = Array.from({ length: 514 }, (_, port) => faked(port));
    for (const { socket } of all) acceptor.serve(postgres, socket);
    expect(acceptor.waiting).toBe(512);
    expect(all.map(({ reset }) => reset).indexOf(false)).toBe(2);
    expect(pushedOut).toEqual(['192.0.2.1:0', '192.0.2.1:1']);
  });

  it('keeps nobody for longer than a login may take', () => {
    const { acceptor, state, look } = stand();
    const [one, two] = [faked(1), faked(2)];
    acceptor.serve(postgres, one.socket);
    state.now = 6_000;
    acceptor.serve(postgres, two.socket);
    state.now = 10_001;
    look();
    expect([one.reset, two.reset, acceptor.waiting]).toEqual([true, false, 1]);
    acceptor.close();
    expect(two.reset).toBe(true);
  });

  it('reads nothing of what a client says', async () => {
    const { acceptor, state } = stand();
    const port = await freePort();
    const sockets: Socket[] = [];
    const receiving = {
      serve: (entry: Entry, socket: Socket) => {
        sockets.push(socket);
        acceptor.serve(entry, socket);
      },
    };
    const entries = [{ protocol: postgres, host: '127.0.0.1', port }];
    const listeners = await listen(entries, receiving, () => undefined, true);
    const client = connect(port, '127.0.0.1');
    onTestFinished(() => {
      listeners.close();
      for (const socket of [client, ...sockets]) socket.destroy();
    });
    await once(client, 'connect');
    await new Promise<void>((sent) => client.write('first words', () => sent()));
    const second = connect(port, '127.0.0.1');
    onTestFinished(() => void second.destroy());
    while (sockets.length < 2) await new Promise((turn) => setImmediate(turn));
    expect(sockets.map(({ bytesRead }) => bytesRead)).toEqual([0, 0]);
    // What was not read is there for whoever gets the socket.
    state.free = true;
    acceptor.handOn();
    const [chunk] = (await once(sockets[0]!.resume(), 'data')) as [Buffer];
    expect(chunk.toString()).toBe('first words');
  });
});
