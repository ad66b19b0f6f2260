import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasDebianPostgres } from '#test/support/debian-postgres.ts';
import { hasMoto } from '#test/support/moto.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const HERE = fileURLToPath(new URL('../chaos/main.ts', import.meta.url));
const CLOUD = fileURLToPath(new URL('../chaos/cloud/main.ts', import.meta.url));

interface Sums {
  readonly wrong: readonly string[];
  readonly sessions: number;
  readonly executed: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  readonly recovered: number;
}

interface Figures extends Sums {
  readonly rounds: number;
  /** Where there is an OpenSSH. */
  readonly ssh?: Sums;
  readonly tasks: { readonly executions: number; readonly wrong: readonly string[] };
  readonly audit: { readonly findings: number; readonly sessions: number };
}

async function chaos(main: string, rounds: number, seed: number): Promise<Figures> {
  const args = [main, '--rounds', String(rounds), '--seed', String(seed), '--json'];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout) as Figures;
}

describe('chaos, the short version of `npm run chaos`', () => {
  let figures: Figures;

  beforeAll(async () => {
    figures = await chaos(HERE, 5, 7);
  }, 240_000);

  it('a gateway broken five times over loses nothing in write-ahead, and no more than the window otherwise', () => {
    expect(figures.wrong).toEqual([]);
    expect(figures.audit.findings).toBe(0);
    expect(figures.audit.sessions).toBeGreaterThanOrEqual(figures.sessions);
    expect(figures.lost['write-ahead']).toBe(0);
    // What a run without any fault, session or statement would also give.
    expect(figures.recovered).toBeGreaterThan(0);
    expect(figures.executed['write-ahead']).toBeGreaterThan(0);
    expect(figures.executed['windowed']).toBeGreaterThan(0);
  });

  it('each claim of a task is one session with one result, which is derived again', () => {
    expect(figures.tasks.wrong).toEqual([]);
    expect(figures.tasks.executions).toBeGreaterThan(0);
  });

  it.runIf(hasOpenSsh())('nor of what SSH clients said and were told meanwhile', () => {
    expect(figures.ssh).toMatchObject({ wrong: [], lost: { 'write-ahead': 0 } });
    expect(figures.ssh?.recovered).toBeGreaterThan(0);
    expect(figures.ssh?.executed['write-ahead']).toBeGreaterThan(0);
    expect(figures.ssh?.executed['windowed']).toBeGreaterThan(0);
  });

  it.runIf(hasMoto() && hasDebianPostgres())(
    'in the cloud: tasks that are paused and killed and an AWS that has bad days lose nothing in write-ahead',
    async () => {
      const figures = await chaos(CLOUD, 1, 1);
      expect(figures.wrong).toEqual([]);
      expect(figures.audit.findings).toBe(0);
      expect(figures.lost['write-ahead']).toBe(0);
      expect(figures.recovered).toBeGreaterThan(0);
      // How many depends on how busy this machine is.
      expect(figures.executed['write-ahead']).toBeGreaterThan(0);
      expect(figures.executed['windowed']).toBeGreaterThan(0);
    },
    240_000,
  );
});
