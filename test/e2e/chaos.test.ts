import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../chaos/main.ts', import.meta.url));

describe('chaos, the short version of `npm run chaos`', () => {
  it('a gateway broken ten times over loses nothing in write-ahead, and no more than the window otherwise', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      MAIN,
      '--rounds',
      '10',
      '--seed',
      '7',
      '--json',
    ]);
    const figures = JSON.parse(stdout) as {
      wrong: string[];
      rounds: number;
      sessions: number;
      executed: Record<string, number>;
      lost: Record<string, number>;
      recovered: number;
      audit: { findings: number; sessions: number };
    };
    expect(figures.wrong).toEqual([]);
    expect(figures.audit.findings).toBe(0);
    expect(figures.audit.sessions).toBeGreaterThanOrEqual(figures.sessions);
    expect(figures.lost['write-ahead']).toBe(0);
    // What a run without any fault, session or statement would also give.
    expect(figures.recovered).toBeGreaterThan(0);
    expect(figures.executed['write-ahead']).toBeGreaterThan(50);
    expect(figures.executed['windowed']).toBeGreaterThan(50);
  }, 240_000);
});
