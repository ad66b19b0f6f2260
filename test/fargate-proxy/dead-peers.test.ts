import { describe, expect, it } from 'vitest';
import { type Conversing, DeadPeers, type Side } from '#proxy/dead-peers.ts';
import { connectionName } from '#proxy/wire/unanswered.ts';

const CLIENT = { localAddress: '10.0.0.1', localPort: 5432, remoteAddress: '10.0.0.9', remotePort: 50_000 };
const TARGET = { localAddress: '10.0.0.1', localPort: 40_000, remoteAddress: '10.0.0.7', remotePort: 5432 };

/** A session, and what it was ended with. */
function session(): Conversing & { readonly ended: string[] } {
  const ended: string[] = [];
  const sides: Side[] = [
    { who: 'client', ends: CLIENT, userTimeoutMs: 30_000 },
    { who: 'target', ends: TARGET, userTimeoutMs: 10_000 },
  ];
  return { sides, ended, end: (reason, { detail }) => ended.push(`${reason}: ${detail}`) };
}

const client = (tries: number, againMs = 60_000) => ({ connection: connectionName(CLIENT), tries, againMs });
const target = (tries: number, againMs = 60_000) => ({ connection: connectionName(TARGET), tries, againMs });

describe('peers that do not answer any more', () => {
  it('end their session once they have not for as long as is put up with, each side by its own', () => {
    const one = session();
    const peers = new DeadPeers();
    for (const [now, tries] of [
      [0, 1],
      [5_000, 4],
      [9_999, 5],
    ] as const)
      peers.look([one], [target(tries), client(tries)], now);
    expect(one.ended).toEqual([]);
    peers.look([one], [target(6), client(6)], 10_000);
    expect(one.ended).toEqual(['target-lost: the target has answered nothing that was sent to it for 10 s']);
    const other = session();
    peers.look([other], [client(9)], 30_000);
    expect(other.ended).toEqual([
      'client-lost: the client has answered nothing that was sent to it for 30 s',
    ]);
  });

  it('may have answered in between', () => {
    const one = session();
    const peers = new DeadPeers();
    peers.look([one], [target(5)], 0);
    peers.look([one], [], 5_000);
    peers.look([one], [target(5)], 9_000);
    peers.look([one], [target(2)], 15_000);
    peers.look([one], [target(4)], 24_999);
    expect(one.ended).toEqual([]);
    peers.look([one], [target(4)], 25_000);
    expect(one.ended).toHaveLength(1);
  });

  it('have answered in between when the next try was long due and there was none', () => {
    const [lossy, gone] = [session(), session()];
    const [answering, silent] = [new DeadPeers(), new DeadPeers()];
    for (let now = 0; now <= 300_000; now += 5_000) {
      answering.look([lossy], [client(1, 400)], now);
      // It is sent again after 0.2, 0.4, 0.8, … seconds.
      const tries = Math.floor(Math.log2(now / 200 + 1));
      silent.look([gone], [client(tries, 200 * (2 ** (tries + 1) - 1) - now)], now);
    }
    expect(lossy.ended).toEqual([]);
    expect(gone.ended[0]).toContain('for 30 s');
  });

  it('are nobody’s when no session has that connection', () => {
    const one = session();
    const peers = new DeadPeers();
    const stranger = { connection: '10.0.0.1 5432 10.0.0.8 1', tries: 9, againMs: 0 };
    for (const now of [0, 60_000]) peers.look([one], [stranger], now);
    expect(one.ended).toEqual([]);
  });
});
