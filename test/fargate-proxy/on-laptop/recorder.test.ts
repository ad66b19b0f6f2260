import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createSignerKey } from '#adapters/local/file-signer.ts';
import { recorderOnLaptop } from '#proxy/on-laptop/recorder.ts';
import { sessionRecord } from '#test/support/session-records.ts';

const parent = mkdtempSync(join(tmpdir(), 'custody-on-laptop-'));
afterAll(() => rmSync(parent, { recursive: true }));

it.each([false, true])('an orderly end leaves nothing to replay (one of several: %s)', async (isChild) => {
  const dataDir = mkdtempSync(join(parent, 'data-'));
  createSignerKey(dataDir);
  const logs = (): string[] => readdirSync(join(dataDir, 'store/.log'));
  const { ports, finish } = await recorderOnLaptop(dataDir, 'task-1', isChild);
  await ports.index.opened(sessionRecord(1));
  await ports.sink.put('sessions/a/open.json', Buffer.from('opened'));
  await ports.leaves.add(Buffer.from('opened'));
  expect(logs()).toHaveLength(1);
  await finish!();
  expect(logs()).toEqual([]);
  expect(readdirSync(join(dataDir, 'store/sessions/a'))).toEqual(['open.json']);
});
