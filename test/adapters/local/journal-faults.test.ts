import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localJournalTails } from '#adapters/local/journal-tail.ts';
import { encodeEntries } from '#core/recording/journal-record.ts';
import { FaultyDisk, turnsUntil } from '#test/support/faulty-disk.ts';
import { entry, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import { JournalStory, journalSteps, SMALL_SIZES, textOf, textsIn } from '#test/support/journal-story.ts';
import { tailsIn } from '#test/support/remains.ts';

const root = mkdtempSync(join(tmpdir(), 'custody-journal-faults-'));
afterAll(() => rmSync(root, { recursive: true }));

const folder = (): string => mkdtempSync(join(root, 'one-'));
describe('a local journal, with zeros behind its records', () => {
  it('ends where they begin, and at a record that is torn in them, wherever it is', async () => {
    const path = folder();
    const file = join(path, 'task-1-000000.journal');
    const first = encodeEntries([entry(SESSION_A, 0, 0, 'first')]);
    const second = encodeEntries([entry(SESSION_A, 0, 5, 'second')]);
    for (let there = 0; there < second.byteLength; there += 23) {
      const torn = Buffer.concat([second.subarray(0, there), Buffer.alloc(5_000 - there)]);
      writeFileSync(file, Buffer.concat([first, torn]));
      expect(await textsIn(path), `torn at ${there}`).toEqual(['first']);
      const tail = localJournalTails(path).follow('task-1', SESSION_A);
      expect((await tail.read()).map(({ block }) => textOf(block))).toEqual(['first']);
      expect(await tail.read()).toEqual([]);
      writeFileSync(file, Buffer.concat([first, second, Buffer.alloc(5_000)]));
      expect((await tail.read()).map(({ block }) => textOf(block))).toEqual(['second']);
      await tail.close();
    }
  });

  it('tells who follows it nothing of a record of others that is not whole yet, and then what is behind it', async () => {
    const path = folder();
    const file = join(path, 'task-1-000000.journal');
    const own = encodeEntries([entry(SESSION_A, 0, 0, 'own')]);
    const other = encodeEntries([entry(SESSION_B, 0, 0, 'other')]);
    // Of its length, the first byte is there: it is a shorter one, and what follows is in the midst of it.
    for (const there of [4, 5, 9, 20, 28, 40, other.byteLength - 1]) {
      writeFileSync(file, Buffer.concat([other.subarray(0, there), Buffer.alloc(5_000 - there)]));
      const tail = localJournalTails(path).follow('task-1', SESSION_A);
      expect(await tail.read()).toEqual([]);
      expect(await tail.read()).toEqual([]);
      writeFileSync(file, Buffer.concat([other, own, Buffer.alloc(5_000)]));
      expect(
        (await tail.read()).map(({ block }) => textOf(block)),
        `torn at ${there}`,
      ).toEqual(['own']);
      await tail.close();
    }
  });

  it('of which one is the session that follows, and is not whole yet, misses nothing', async () => {
    const path = folder();
    const file = join(path, 'task-1-000000.journal');
    const own = encodeEntries([entry(SESSION_A, 0, 0, 'own')]);
    const half = Buffer.concat([own.subarray(0, 20), Buffer.alloc(5_000)]);
    writeFileSync(file, half);
    const tail = localJournalTails(path).follow('task-1', SESSION_A);
    expect(await tail.read()).toEqual([]);
    writeFileSync(file, Buffer.concat([own, Buffer.alloc(5_000)]));
    expect((await tail.read()).map(({ block }) => textOf(block))).toEqual(['own']);
    await tail.close();
  });

  it('goes on in another file, without room, once room could not be made for other reasons than lack of it', async () => {
    const path = folder();
    const disk = new FaultyDisk();
    disk.zeros.push({ fails: 'EIO' });
    const journal = await openJournal(path, 'task-1', { disk, sizes: SMALL_SIZES });
    await turnsUntil(() => disk.zeros.length === 0 && readFileSync(fileIn(path)).byteLength === 0);
    await turn();
    await journal.append([entry(SESSION_A, 0, 0, 'one')]);
    await journal.append([entry(SESSION_A, 0, 3, 'two')]);
    expect([readdirSync(path).length, disk.asked.length]).toEqual([2, 1]);
    expect(await textsIn(path)).toEqual(['one', 'two']);
    await journal.close();
  });

  it('goes on where it is without room while the disk is full', async () => {
    const path = folder();
    const disk = new FaultyDisk();
    disk.zeros.push({ most: 1_000, fails: 'ENOSPC' });
    const journal = await openJournal(path, 'task-1', { disk, sizes: SMALL_SIZES });
    for (let n = 0; n < 5; n += 1) await journal.append([entry(SESSION_A, 0, n, String(n))]);
    expect(readdirSync(path)).toHaveLength(1);
    expect(await textsIn(path)).toEqual(['0', '1', '2', '3', '4']);
    await journal.close();
  });

  it('that cannot have a new file says so, and has one when it can', async () => {
    const path = folder();
    const disk = new FaultyDisk();
    const journal = await openJournal(path, 'task-1', { disk, sizes: SMALL_SIZES });
    disk.writes.push({ most: 100, fails: 'EIO' });
    await expect(journal.append([entry(SESSION_A, 0, 0, 'torn')])).rejects.toMatchObject({ code: 'EIO' });
    disk.creations.push('ENOSPC');
    await expect(journal.append([entry(SESSION_A, 0, 0, 'lost')])).rejects.toMatchObject({ code: 'ENOSPC' });
    await journal.append([entry(SESSION_A, 0, 0, 'kept')]);
    expect(await textsIn(path)).toEqual(['kept']);
    await journal.close();
  });
});

function fileIn(path: string): string {
  return join(path, readdirSync(path)[0]!);
}

describe('a local journal on a disk that fails', () => {
  it('has every entry that it acknowledged and that is needed, and nothing that was never appended', async () => {
    await fc.assert(
      fc.asyncProperty(journalSteps, async (steps) => {
        const { appended, kept, keptOfA, left, closed, seen } = await new JournalStory().run(steps);
        for (const texts of [left, closed, seen])
          expect(texts).toEqual(appended.filter((text) => texts.includes(text)));
        expect(left).toEqual(expect.arrayContaining([...kept]));
        expect(closed).toEqual(expect.arrayContaining([...kept]));
        expect(seen).toEqual(expect.arrayContaining([...keptOfA]));
      }),
      { numRuns: 30 },
    );
  });

  it('has everything that a process that is killed told to be durable, whatever it was at', async () => {
    for (const enough of [70, 420]) {
      const path = folder();
      const child = spawn(process.execPath, ['test/support/journal-endless.ts', path]);
      let told = -1;
      for await (const line of createInterface(child.stdout)) {
        told = Number(line);
        if (told === enough) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(told).toBeGreaterThanOrEqual(enough);
      const [tail] = await tailsIn(journalRemains(path));
      const entries = tail!.content.byteLength / 16_000;
      expect(entries - told === 1 || entries - told === 2).toBe(true);
    }
  });
});
