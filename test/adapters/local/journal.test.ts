import { spawnSync } from 'node:child_process';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { journalRemains, openJournal } from '#adapters/local/journal.ts';
import { decodeEntries } from '#core/recording/journal-record.ts';
import { journalContract } from '#test/contract/journal.ts';
import { entry, SESSION_A, SESSION_B } from '#test/support/journal-entries.ts';
import { tailsIn } from '#test/support/remains.ts';

const root = mkdtempSync(join(tmpdir(), 'custody-journal-'));
afterAll(() => rmSync(root, { recursive: true }));

function folder(): string {
  return mkdtempSync(join(root, 'one-'));
}

journalContract('local', () => {
  const path = folder();
  return { open: () => openJournal(path, 'task-1'), remains: () => journalRemains(path) };
});

async function written(): Promise<{ path: string; file: string }> {
  const path = folder();
  const journal = await openJournal(path, 'task-1');
  await journal.append([entry(SESSION_A, 0, 0, 'first')]);
  await journal.append([entry(SESSION_A, 0, 5, 'second')]);
  // It gives back the room behind its records.
  await journal.close();
  return { path, file: join(path, readdirSync(path)[0]!) };
}

describe('local journal', () => {
  it('leaves out a torn end, at whatever byte it is torn', async () => {
    const { path, file } = await written();
    const whole = statSync(file).size;
    const one = whole - (whole - 'firstsecond'.length) / 2 - 'second'.length;
    for (let size = whole - 1; size >= one; size -= 37) {
      truncateSync(file, size);
      const [tail] = await tailsIn(journalRemains(path));
      expect(Buffer.from(tail!.content).toString(), `torn at ${size}`).toBe('first');
    }
  });

  it('takes nothing that is damaged: any flipped byte drops that entry and what follows', async () => {
    const { file } = await written();
    const good = readFileSync(file);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const bad = Buffer.from(good);
        bad[at]! ^= mask;
        const texts = [...decodeEntries(bad)].map(({ block }) => Buffer.from(block).toString());
        const half = (good.length - 'firstsecond'.length) / 2 + 'first'.length;
        expect(texts).toEqual(at < half ? [] : ['first']);
      }),
    );
  });

  it('survives any garbage for a file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        expect([...decodeEntries(Buffer.from(bytes))]).toEqual([]);
      }),
    );
  });

  it('goes on in a new file after an append that failed, so that nothing hides behind a torn record', async () => {
    const path = folder();
    // A file size limit of 4 KiB makes the second append fail half-way, as a full disk would.
    const limited = ['-c', "trap '' XFSZ; ulimit -f 4; exec node test/support/journal-writer.ts " + path];
    const told = spawnSync('bash', limited, { encoding: 'utf8' }).stdout;
    expect(told).toBe('kept: stored\nlost: EFBIG\n too: stored\n');
    expect(readdirSync(path)).toHaveLength(2);
    const [tail] = await tailsIn(journalRemains(path));
    expect(Buffer.from(tail!.content).toString()).toBe('kept too');
  });

  it('removes a file once all its segments are in the store and a newer file is in use', async () => {
    const path = folder();
    const journal = await openJournal(path, 'task-1');
    const big = entry(SESSION_A, 0, 0, 'x'.repeat(2 << 20));
    await journal.append([big]);
    journal.release(SESSION_A, 0);
    await journal.append([entry(SESSION_B, 0, 0, 'b')]);
    journal.release(SESSION_A, 1);
    await journal.close();
    expect(readdirSync(path)).toHaveLength(1);
  });

  it('reads the files of several earlier tasks', async () => {
    const path = folder();
    await (await openJournal(path, 'task-1')).append([entry(SESSION_A, 0, 0, 'a')]);
    await (await openJournal(path, 'task-2')).append([entry(SESSION_B, 0, 0, 'b')]);
    writeFileSync(join(path, 'unrelated.txt'), 'x');
    expect((await tailsIn(journalRemains(path))).map(({ session }) => session).sort()).toEqual([
      SESSION_A,
      SESSION_B,
    ]);
  });
});
