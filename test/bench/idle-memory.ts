/** Memory that one idle connection keeps, after it has done a little work. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { client } from './clients.ts';
import type { Contender } from './contender.ts';
import { residentBytes } from './machine.ts';
import type { Measure } from './measure.ts';

export const IDLE_CONNECTIONS = 500;
const WARM_UP_CONNECTIONS = 480;
const LOOK_MS = 500;

export async function idleMemory(contender: Contender, database: string): Promise<Measure> {
  const none = { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
  if (contender.processes().length === 0) return none;
  const warmUp = ['-n', '-C', '-S', '-c', '8', '-j', '2', '-t', String(WARM_UP_CONNECTIONS / 8)];
  await client('pgbench', [...warmUp, database], contender);
  const before = residentBytes(contender.processes());
  const peak = await peakWhile(contender, () => holdIdle(contender, database));
  return { ...none, rate: Math.max(0, peak - before) / IDLE_CONNECTIONS / 1000 };
}

async function holdIdle(contender: Contender, database: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'custody-bench-idle-'));
  const script = join(folder, 'idle.sql');
  writeFileSync(script, 'SELECT 1;\n\\sleep 10 s\n');
  const held = ['-c', String(IDLE_CONNECTIONS), '-j', '2', '-t', '1', '-n', '-f', script];
  await client('pgbench', [...held, database], contender);
  rmSync(folder, { recursive: true });
}

async function peakWhile(contender: Contender, work: () => Promise<void>): Promise<number> {
  let peak = 0;
  const look = (): void => void (peak = Math.max(peak, residentBytes(contender.processes())));
  const watch = setInterval(look, LOOK_MS);
  await work();
  clearInterval(watch);
  return peak;
}
