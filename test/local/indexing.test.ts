import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { openUnindexedSessions } from '#adapters/local/unindexed-sessions.ts';
import { CustodyError } from '#core/errors.ts';
import { LocalIndexer } from '#local/api/indexing.ts';
import { recorded, statements, stepsIn, whyUnfit } from '#test/core/replay/index/support.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

function catalog(version = '1') {
  const folder = mkdtempSync(join(tmpdir(), 'custody-indexing-'));
  const file = join(folder, 'index.sqlite');
  const sessions = openSessionIndex(file);
  const unindexed = openUnindexedSessions(file, version);
  onTestFinished(() => {
    for (const one of [sessions, unindexed]) one.close();
    rmSync(folder, { recursive: true });
  });
  return { file, sessions, unindexed };
}

async function listed(sessions: ReturnType<typeof catalog>['sessions'], id: string): Promise<void> {
  await sessions.opened({ ...sessionRecord(1, {}), id });
}

it('makes the indexes of sessions as they are sealed, and of those before', async () => {
  const { sessions, unindexed } = catalog();
  const [one, live] = [await recorded(statements(3)), await recorded(statements(3), { n: 2, end: false })];
  for (const [key, bytes] of live.store.objects) one.store.objects.set(key, bytes);
  for (const { session } of [one, live]) await listed(sessions, session);
  await sessions.closed(one.session, OUTCOME);
  const said: string[] = [];
  const indexer = new LocalIndexer({
    ...one,
    unindexed,
    say: (line) => said.push(line),
    now: () => new Date(),
  });
  await indexer.indexAll();
  expect((await stepsIn(one)).about.total.steps).toBe(5);
  expect(unindexed.next(10)).toEqual([]);
  await sessions.closed(live.session, OUTCOME);
  expect(unindexed.next(10)).toEqual([live.session]);
  expect(said).toEqual([]);
});

it('looks at sessions again where indexes are made another way, and asks newest first', async () => {
  const { file, sessions, unindexed } = catalog();
  for (const n of [1, 2, 3]) {
    const { id, ...record } = sessionRecord(n, {});
    await sessions.opened({ ...record, id });
    await sessions.closed(id, OUTCOME);
    unindexed.done(id);
  }
  expect(unindexed.next(9)).toEqual([]);
  const later = openUnindexedSessions(file, '2');
  expect(later.next(2)).toEqual([sessionRecord(3, {}).id, sessionRecord(2, {}).id]);
  later.close();
});

it('says of what cannot be made once a minute, and goes on with the others', async () => {
  const { sessions, unindexed } = catalog();
  const [good, bad] = [await recorded(statements(2)), await recorded(statements(2), { n: 2 })];
  for (const [key, bytes] of bad.store.objects) good.store.objects.set(key, bytes);
  for (const { session } of [good, bad]) {
    await listed(sessions, session);
    await sessions.closed(session, OUTCOME);
  }
  const put = good.store.put.bind(good.store);
  good.store.put = async (key, bytes) => {
    if (key.includes(bad.session)) throw new CustodyError('store-unavailable', 'the disk is full');
    return put(key, bytes);
  };
  const said: string[] = [];
  let now = 0;
  const indexer = new LocalIndexer({
    ...{ store: good.store, signer: good.signer, unindexed },
    say: (line) => said.push(line),
    now: () => new Date(now),
  });
  for (const at of [0, 1_000, 61_000]) {
    now = at;
    await indexer.indexAll();
  }
  expect(said).toHaveLength(2);
  expect(said[0]).toContain(`the index of session ${bad.session} cannot be made now: the disk is full`);
  expect(await whyUnfit(good)).toBeUndefined();
});

it('makes one at once for who asks, and says where one was no good', async () => {
  const { sessions, unindexed } = catalog();
  const there = await recorded(statements(2));
  await listed(sessions, there.session);
  const said: string[] = [];
  const indexer = new LocalIndexer({
    ...there,
    unindexed,
    say: (line) => said.push(line),
    now: () => new Date(),
  });
  expect(await indexer.wanted(there.session, false)).toBe('made');
  const chunk = [...there.store.objects.keys()].find((key) => key.endsWith('.zst'))!;
  there.store.objects.set(chunk, new Uint8Array(3));
  expect(await indexer.wanted(there.session, true)).toBe('made');
  expect(said).toEqual([expect.stringContaining('was no good')]);
});
