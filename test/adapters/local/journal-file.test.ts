import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { journalDisk } from '#adapters/local/journal-disk.ts';
import { JournalFile, ROOM_SIZES, type RoomSizes } from '#adapters/local/journal-file.ts';
import { FaultyDisk, turnsUntil } from '#test/support/faulty-disk.ts';

const root = mkdtempSync(join(tmpdir(), 'custody-journal-file-'));
afterAll(() => rmSync(root, { recursive: true }));

const SMALL: RoomSizes = { ahead: 4_000, low: 2_000, lead: 500, small: 1_000, sync: 3_000 };
let files = 0;

async function created(disk = new FaultyDisk(), sizes = SMALL, makesRoom = true) {
  const path = join(root, String((files += 1)));
  return { path, disk, file: await JournalFile.create(path, { disk, sizes, makesRoom }) };
}

function bytes(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}

/** Whatever was begun is over. */
async function settled(path: string, size: number): Promise<void> {
  await turnsUntil(() => statSync(path).size === size);
  await turn();
}

describe('a journal file', () => {
  it('is written through a descriptor that waits for the disk at each write', async () => {
    const path = join(root, 'flags');
    const tools = { disk: journalDisk, sizes: SMALL, makesRoom: false };
    const file = await JournalFile.create(path, tools);
    const fd = readdirSync('/proc/self/fd').find((name) => linkOf(name) === path)!;
    const [, flags = ''] = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
    expect(Number.parseInt(flags, 8) & 0o10_000).toBe(0o10_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await file.finish();
    await expect(JournalFile.create(path, tools)).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('has zeros ahead of what is appended, and gives them back at its end', async () => {
    const { path, file, disk } = await created();
    file.makeRoom();
    await file.append([bytes(10, 1), bytes(20, 2)]);
    await settled(path, 4_000);
    expect(readFileSync(path)).toEqual(Buffer.concat([bytes(10, 1), bytes(20, 2), bytes(3_970, 0)]));
    await file.append([bytes(1_970, 3)]);
    expect(disk.asked).toEqual([[0, 4_000]]);
    await file.append([bytes(1, 4)]);
    expect(disk.asked).toEqual([
      [0, 4_000],
      [4_000, 8_000],
    ]);
    await settled(path, 8_000);
    expect(file.size).toBe(2_001);
    await file.finish();
    expect(readFileSync(path)).toEqual(
      Buffer.concat([bytes(10, 1), bytes(20, 2), bytes(1_970, 3), bytes(1, 4)]),
    );
  });

  it('goes on without zeros while they are on their way, but not into where they will be', async () => {
    const gate = Promise.withResolvers<void>();
    const { path, file, disk } = await created();
    disk.zeros.push({ until: gate.promise });
    await file.append([bytes(100, 1)]);
    expect(disk.asked).toEqual([[600, 4_600]]);
    await file.append([bytes(500, 2)]);
    let isDone = false;
    const later = file.append([bytes(1, 3)]).then(() => (isDone = true));
    for (let turns = 0; turns < 20; turns += 1) await turn();
    expect([isDone, statSync(path).size]).toEqual([false, 600]);
    gate.resolve();
    await later;
    const all = Buffer.concat([bytes(100, 1), bytes(500, 2), bytes(1, 3), bytes(3_999, 0)]);
    expect(readFileSync(path)).toEqual(all);
    await file.finish();
  });

  it('makes no room for large writes, and writes those in the thread pool', async () => {
    const { file, disk } = await created();
    for (let n = 0; n < 4; n += 1) await file.append([bytes(20_000, 1)]);
    expect([disk.asked, disk.inPool]).toEqual([[], 4]);
    // It is small ones again, after some.
    for (let n = 0; n < 40; n += 1) await file.append([bytes(10, 1)]);
    expect([disk.asked.length, disk.inPool]).toEqual([1, 4]);
    await file.finish();
  });

  it.each(['ENOSPC', 'EFBIG', 'EDQUOT'])('works on without room where there is none: %s', async (fails) => {
    const { path, file, disk } = await created();
    disk.zeros.push({ most: 1_000, fails });
    file.makeRoom();
    await file.append([bytes(10, 1)]);
    await settled(path, 10);
    await file.append([bytes(10, 2)]);
    expect(readFileSync(path)).toEqual(Buffer.concat([bytes(10, 1), bytes(10, 2)]));
    expect([disk.asked.length, file.isDoubtful]).toEqual([1, false]);
    await file.finish();
  });

  it('keeps what it has room for when it cannot make more', async () => {
    const { path, file, disk } = await created();
    disk.zeros.push({}, { most: 100, fails: 'ENOSPC' });
    file.makeRoom();
    await file.append([bytes(2_001, 1)]).then(() => file.append([bytes(10, 1)]));
    await turnsUntil(() => disk.asked.length === 2);
    await settled(path, 4_000);
    await file.append([bytes(1_000, 2)]);
    expect(statSync(path).size).toBe(4_000);
    await file.finish();
  });

  it('is doubtful once zeros could not be written for another reason', async () => {
    const { path, file, disk } = await created();
    disk.zeros.push({ fails: 'EIO' });
    file.makeRoom();
    await file.append([bytes(10, 1)]);
    await settled(path, 10);
    expect(file.isDoubtful).toBe(true);
    await file.finish();
  });

  it('writes all of it, whatever the disk takes at a time, and nothing over what is there', async () => {
    const lengths = fc.array(fc.array(fc.nat(40), { maxLength: 4 }), { maxLength: 6 });
    const most = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(lengths, most, fc.boolean(), async (writes, plan, inPool) => {
        const { path, file, disk } = await created(new FaultyDisk(), { ...SMALL, sync: inPool ? 0 : 3_000 });
        disk.writes.push(...plan.map((bytesAtOnce) => ({ most: bytesAtOnce })));
        let value = 0;
        const all = writes.map((pieces) => pieces.map((length) => bytes(length, (value += 1))));
        file.makeRoom();
        for (const pieces of all) await file.append(pieces);
        await file.finish();
        expect(readFileSync(path)).toEqual(Buffer.concat(all.flat()));
      }),
      { numRuns: 60 },
    );
  });

  it('does not wait for ever for a disk that takes nothing', async () => {
    const { file, disk } = await created();
    disk.writes.push({ most: 0 });
    await expect(file.append([bytes(10, 1)])).rejects.toThrow('the disk takes nothing');
    await file.finish();
  });

  it('makes 4 MiB of room at first, no more', async () => {
    const { path, file } = await created(new FaultyDisk(), ROOM_SIZES);
    file.makeRoom();
    await settled(path, 4 << 20);
    await file.append([bytes(1 << 20, 1)]);
    expect(statSync(path).size).toBe(4 << 20);
    await file.finish();
    expect(statSync(path).size).toBe(1 << 20);
  });
});

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
