import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseLeaf } from '#core/ledger/leaf.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { memoryRecorder, opening } from '#test/support/recorder.ts';
import { remainsOfTails } from '#test/support/remains.ts';

const ENDING = { reason: 'client-closed', endedAt: '2026-11-23T09:01:00.000Z', at: 60_000 } as const;
const NOW = new Date('2026-11-23T10:00:00.000Z');
const { session } = opening();

type Parts = ReturnType<typeof memoryRecorder>;

const entered = ({ leaves }: Parts) => [...leaves.added].map((text) => parseLeaf(Buffer.from(text)));

async function hashOf({ store }: Parts, name: string): Promise<string> {
  return createHash('sha256')
    .update(await store.get(`sessions/${session}/${name}`))
    .digest('hex');
}

describe('what a session enters into the ledger', () => {
  it('its opening, before it is open, with the hash of open.json', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    expect(entered(parts)).toEqual([
      {
        type: 'custody/leaf/1',
        kind: 'session-opened',
        at: '2026-11-23T09:00:00.000Z',
        session,
        statement: await hashOf(parts, 'open.json'),
        principal: { issuer: 'https://id.example', subject: 'dev-1' },
        target: 'orders-db',
      },
    ]);
  });

  it('and no session opens when that fails', async () => {
    const parts = memoryRecorder();
    parts.leaves.add = () => Promise.reject(new Error('the queue is down'));
    await expect(parts.recorder.open(1, opening(), 0)).rejects.toMatchObject({ code: 'recording-failed' });
  });

  it('its end, with the hash of close.json', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    await parts.recorder.close(1, ENDING);
    expect(entered(parts)[1]).toEqual({
      type: 'custody/leaf/1',
      kind: 'session-closed',
      at: ENDING.endedAt,
      session,
      statement: await hashOf(parts, 'close.json'),
      reason: 'client-closed',
    });
  });

  it('its recovery, and the opening again, which is the same leaf', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    await sealAbandoned(remainsOfTails([]), parts, NOW);
    expect(entered(parts)).toMatchObject([
      { kind: 'session-opened' },
      { kind: 'session-recovered', reason: 'recovered', statement: await hashOf(parts, 'close.json') },
    ]);
  });

  it('what a gateway could not enter before it died, the sealer enters', async () => {
    const parts = memoryRecorder();
    await parts.recorder.open(1, opening(), 0);
    const add = parts.leaves.add.bind(parts.leaves);
    parts.leaves.add = () => Promise.reject(new Error('the queue is down'));
    await expect(parts.recorder.close(1, ENDING)).rejects.toMatchObject({
      code: 'recording-failed',
      detail: expect.stringContaining('the queue is down'),
    });
    parts.leaves.added.clear();
    parts.leaves.add = add;
    await sealAbandoned(remainsOfTails([]), parts, NOW);
    expect(entered(parts)).toMatchObject([{ kind: 'session-opened' }, { kind: 'session-closed' }]);
  });
});
