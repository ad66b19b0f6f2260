import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Door, type DoorLimits, type Place } from '#proxy/door.ts';
import { until } from '#test/support/relay-stand.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Peer {
  readonly socket: Socket;
  readonly ours: Socket;
  readonly place: Place;
}

/** A door with real connections, from addresses of this machine. */
async function openDoor(limits: Partial<DoorLimits>) {
  const door = new Door({ sessions: 10, peers: 10, perAddress: 10, ...limits });
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => void server.close());
  const { port } = server.address() as { port: number };
  const knock = async (localAddress = '127.0.0.1'): Promise<Peer> => {
    const accepted = once(server, 'connection');
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    const [ours] = (await accepted) as [Socket];
    for (const end of [socket, ours]) end.on('error', () => undefined).resume();
    closers.push(() => (socket.destroy(), ours.destroy()));
    return { socket, ours, place: door.enter(ours) };
  };
  return { door, knock };
}

async function say({ socket, ours }: Peer): Promise<void> {
  const before = ours.bytesRead;
  socket.write('x');
  await until(() => ours.bytesRead > before);
}

const gone = (peers: readonly Peer[]): boolean[] => peers.map(({ place }) => place.wasPushedOut);

describe('the door (security case 16)', () => {
  it('sends away whoever has been silent for the longest, and takes the newcomer', async () => {
    const { door, knock } = await openDoor({ peers: 3 });
    const peers = [await knock(), await knock(), await knock()];
    await say(peers[0]!);
    peers.push(await knock());
    expect(gone(peers)).toEqual([false, true, false, false]);
    expect(door.peers).toBe(3);
    await until(() => peers[1]!.socket.closed);
  });

  it('sends away one of the same address, where that one has its share', async () => {
    const { knock } = await openDoor({ peers: 10, perAddress: 2 });
    const others = [await knock('127.0.0.2'), await knock('127.0.0.3')];
    const flood = [];
    for (let i = 0; i < 6; i += 1) flood.push(await knock());
    expect(gone(others)).toEqual([false, false]);
    expect(gone(flood)).toEqual([true, true, true, true, false, false]);
  });

  it('keeps who speaks, however many come that say nothing', async () => {
    const { knock } = await openDoor({ peers: 4, perAddress: 4 });
    const speaking = await knock();
    for (let i = 0; i < 20; i += 1) {
      await say(speaking);
      await knock();
    }
    expect(speaking.place.wasPushedOut).toBe(false);
  });

  it('keeps the newcomer, however many are there that have said a word', async () => {
    const { knock } = await openDoor({ peers: 4, perAddress: 4 });
    const talkers = [];
    for (let i = 0; i < 4; i += 1) talkers.push(await knock());
    for (const talker of talkers) await say(talker);
    const newcomer = await knock();
    await say(await knock());
    expect(newcomer.place.wasPushedOut).toBe(false);
    expect(gone(talkers)).toEqual([true, true, false, false]);
  });

  it('sends away whoever was told no before anybody else', async () => {
    const { door, knock } = await openDoor({ peers: 3 });
    const peers = [await knock(), await knock(), await knock()];
    for (const peer of peers) await say(peer);
    peers[2]!.place.release();
    peers.push(await knock());
    expect(gone(peers)).toEqual([false, false, true, false]);
    expect(door.peers).toBe(3);
  });

  it('counts a session until its connection is closed and its work is done', async () => {
    const { door, knock } = await openDoor({});
    const { socket, ours, place } = await knock();
    place.goIn();
    expect([door.peers, door.sessions]).toEqual([0, 1]);
    place.release();
    expect(door.sessions).toBe(1);
    socket.destroy();
    await once(ours, 'close');
    expect([door.peers, door.sessions]).toEqual([0, 0]);
  });

  it('counts a session until its target has gone as well: a cancel may take longer than the client', async () => {
    const { door, knock } = await openDoor({});
    const [client, target] = [await knock(), await knock()];
    client.place.goIn();
    client.place.alsoHolds(target.ours);
    client.place.release();
    client.socket.destroy();
    await once(client.ours, 'close');
    expect(door.sessions).toBe(1);
    target.socket.destroy();
    await once(target.ours, 'close');
    expect(door.sessions).toBe(0);
  });

  it('counts a peer that was refused for as long as its connection is open', async () => {
    const { door, knock } = await openDoor({});
    const { socket, ours, place } = await knock();
    place.release();
    expect(door.peers).toBe(1);
    socket.destroy();
    await once(ours, 'close');
    expect(door.peers).toBe(0);
  });

  it('has no room for one session more, and says so; whoever is inside is never sent away', async () => {
    const { door, knock } = await openDoor({ sessions: 2, peers: 2 });
    const inside = [await knock(), await knock()];
    for (const { place } of inside) place.goIn();
    const late = await knock();
    expect(() => late.place.goIn()).toThrow(
      expect.objectContaining({
        code: 'too-many-connections',
        message: 'this gateway has its 2 sessions already',
      }),
    );
    for (let i = 0; i < 5; i += 1) await knock();
    expect(gone(inside)).toEqual([false, false]);
    expect([door.peers, door.sessions]).toEqual([2, 2]);
  });

  it('tells each time that the last place inside is taken, or the first is free again', async () => {
    const { door, knock } = await openDoor({ sessions: 2 });
    const told: boolean[] = [];
    door.whenFullOrNot(() => told.push(door.isFull));
    const [one, two] = [await knock(), await knock()];
    one.place.goIn();
    expect(told).toEqual([]);
    two.place.goIn();
    for (const { place, socket, ours } of [two, one]) {
      place.release();
      socket.destroy();
      await once(ours, 'close');
    }
    expect(told).toEqual([true, false]);
  });

  it('takes nobody in who was sent away meanwhile', async () => {
    const { door, knock } = await openDoor({ peers: 1 });
    const { place } = await knock();
    await knock();
    expect(() => place.goIn()).toThrow(expect.objectContaining({ code: 'too-many-connections' }));
    expect(door.sessions).toBe(0);
  });

  it('of a server without an inside is free as soon as the connection is closed', async () => {
    const { door, knock } = await openDoor({ peers: 5 });
    const { socket, ours } = await knock();
    door.visit(ours);
    expect(door.peers).toBe(2);
    socket.destroy();
    await once(ours, 'close');
    expect(door.peers).toBe(1);
  });

  it('forgets addresses that nobody comes from any more', async () => {
    const { door, knock } = await openDoor({ peers: 2, perAddress: 1 });
    for (let i = 1; i < 20; i += 1) await knock(`127.0.0.${i}`);
    expect(door.peers).toBe(2);
    expect(door.addresses).toBe(2);
  });
});
