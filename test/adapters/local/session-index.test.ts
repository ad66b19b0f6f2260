import { mkdirSync, mkdtempSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { sessionIndexContract, walk } from '#test/contract/session-index.ts';
import { startChild } from '#test/support/child.ts';
import { MemoryIndex } from '#test/support/memory-ports.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';

function newFile(): string {
  return join(mkdtempSync(join(tmpdir(), 'custody-index-')), 'index.sqlite');
}

sessionIndexContract('SQLite', () => openSessionIndex(newFile()));
sessionIndexContract('memory, as tests use it', () => new MemoryIndex());
sessionIndexContract('memory, where a page looks at two sessions', () => {
  const index = new MemoryIndex();
  index.examineMax = 2;
  return index;
});

const PROCESS = 'test/support/index-process.ts';

/** The file of an index with many sessions, closed. */
async function filled(): Promise<string> {
  const file = newFile();
  const index = openSessionIndex(file);
  for (let n = 0; n < 100; n += 1) await index.opened(sessionRecord(n));
  index.close();
  return file;
}

describe('session index in SQLite', () => {
  it('is still there after it was closed', async () => {
    const index = openSessionIndex(await filled());
    expect(await walk(index, { limit: 7 })).toHaveLength(100);
  });

  it('keeps all that was acknowledged when the writer is killed in the middle', async () => {
    const file = newFile();
    const writer = startChild(PROCESS, file, 'write');
    const acknowledged: string[] = [];
    while (acknowledged.length < 40) acknowledged.push(await writer.line());
    writer.process.kill('SIGKILL');
    expect(await writer.gone).toBe('SIGKILL');
    const index = openSessionIndex(file);
    const ids = await walk(index, { limit: 1000 });
    expect(ids).toEqual(expect.arrayContaining(acknowledged));
    const unsealed = (await index.unsealed()).map(({ id }) => id);
    expect(unsealed).toContain(sessionRecord(39).id);
    expect(unsealed).not.toContain(sessionRecord(38).id);
    await index.opened(sessionRecord(1_000_000));
  });

  it('is read by other processes while it is written', async () => {
    const file = newFile();
    const index = openSessionIndex(file);
    const readers = [startChild(PROCESS, file, 'read'), startChild(PROCESS, file, 'read')];
    for (const reader of readers) expect(await reader.line()).toBe('reading');
    for (let n = 0; n < 200; n += 1) {
      await index.opened(sessionRecord(n));
      await index.closed(sessionRecord(n).id, OUTCOME);
    }
    const late = startChild(PROCESS, file, 'read');
    expect(await late.line()).toBe('reading');
    late.process.stdin.end();
    expect(await late.line()).toBe('saw 200');
    for (const reader of readers) {
      reader.process.stdin.end();
      expect(await reader.line()).toMatch(/^saw \d+$/);
    }
  });

  it('can be opened by several processes at once when it is new', async () => {
    const file = newFile();
    const readers = Array.from({ length: 4 }, () => startChild(PROCESS, file, 'read'));
    for (const reader of readers) {
      expect(await reader.line()).toBe('reading');
      reader.process.stdin.end();
      expect(await reader.line()).toBe('saw 0');
    }
  });

  it.each<[what: string, damage: (file: string) => void]>([
    ['not a database', (file) => writeFileSync(file, 'sessions, once'.repeat(1000))],
    ['damaged in its first page', (file) => overwrite(file, 100, 500)],
    ['damaged in the middle', (file) => overwrite(file, 8192, 4096)],
    ['cut short', (file) => truncateSync(file, 5000)],
    ['another database', (file) => overwrite(file, 0, 16)],
  ])('says so when the file is %s', async (_what, damage) => {
    const file = await filled();
    damage(file);
    expect(() => openSessionIndex(file)).toThrowError(
      expect.objectContaining({
        code: 'state-damaged',
        message: `the session index ${file} is damaged`,
        hint: expect.stringContaining('move it away'),
      }),
    );
  });

  it('does not call a file damaged that it only cannot open', () => {
    const file = newFile();
    mkdirSync(file);
    expect(() => openSessionIndex(file)).toThrowError(
      expect.objectContaining({
        code: 'store-unavailable',
        message: expect.stringContaining('cannot be opened'),
        hint: expect.stringContaining('can be written'),
      }),
    );
  });
});

function overwrite(file: string, at: number, length: number): void {
  writeFileSync(file, readFileSync(file).fill(0xa5, at, at + length));
}
