import { once } from 'node:events';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';

const THREADS = 4;
const ROUNDS = 400;
/** The lock on a folder is one open transaction and no data; the ledger of others is only read. */
const OPENS_BY_ITSELF = ['adapters/local/file-lock.ts', 'adapters/local/ledger-file.ts'];

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-sqlite-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** One answer of each of the threads. */
async function answers(threads: readonly Worker[]): Promise<unknown[]> {
  return Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]));
}

test('a new file may be opened by several at the same moment', async () => {
  const where = folder();
  const threads = Array.from({ length: THREADS }, () => new Worker('./test/support/sqlite-thread.ts'));
  onTestFinished(async () => void (await Promise.all(threads.map((thread) => thread.terminate()))));
  await answers(threads);
  for (let round = 0; round < ROUNDS; round += 1) {
    const told = answers(threads);
    for (const thread of threads) thread.postMessage(join(where, `${round}.sqlite`));
    expect(await told).toEqual(Array(THREADS).fill('opened'));
  }
});

test('whatever is kept in SQLite is opened in one way', () => {
  const files = globSync('{adapters,cdk,cli,core,fargate-proxy,lambdas,local}/**/*.ts');
  const opening = files.filter((file) => readFileSync(file, 'utf8').includes('new DatabaseSync('));
  expect(opening.sort()).toEqual([...OPENS_BY_ITSELF, 'adapters/local/sqlite.ts']);
});
