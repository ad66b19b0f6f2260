/**
 * Loaded into the gateway process before its own code (`--import`): the real gateway, with a disk that fails as a plan
 * says. It looks for a plan at CHAOS_PLAN, takes it away, and writes down next to it what it did. CHAOS_ONLY: the end of the program's path,
 * where others of the same environment are to be left alone.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import sqlite from 'node:sqlite';
import { isMainThread } from 'node:worker_threads';
import type { Plan, WritePoint } from './plan.ts';

const PLAN = process.env['CHAOS_PLAN']!;
const real = { ...fs };
const pause = new Int32Array(new SharedArrayBuffer(4));

let plan: Plan | undefined;
let seen = 0;
let badUntil = 0;
let looked = 0;

/** Runs one write as the plan wants it. */
function at<T>(point: WritePoint, write: () => T, sql = ''): T {
  lookForPlan();
  if (Date.now() < badUntil) throw full();
  if (plan === undefined || (plan.point !== undefined && plan.point !== point)) return write();
  if (plan.sql !== undefined && !sql.startsWith(plan.sql)) return write();
  seen += 1;
  if (seen < plan.nth) return write();
  const { fault, forMs } = plan;
  plan = undefined;
  real.appendFileSync(`${PLAN}.done`, `${JSON.stringify({ fault, point, at: Date.now() })}\n`);
  switch (fault) {
    case 'lost':
      throw broken();
    case 'persisted-but-errored':
      write();
      throw broken();
    case 'slow':
      Atomics.wait(pause, 0, 0, forMs);
      return write();
    case 'full-disk':
      badUntil = Date.now() + forMs;
      throw full();
    case 'kill-before':
      return die();
    default:
      write();
      return die();
  }
}

function lookForPlan(): void {
  const now = Date.now();
  if (now - looked < 20) return;
  looked = now;
  try {
    const found = JSON.parse(real.readFileSync(PLAN, 'utf8')) as Plan;
    // Runs are changed where sessions are, and not in the threads of recorders.
    if (found.sql !== undefined && !isMainThread) return;
    plan = found;
    real.unlinkSync(PLAN);
    seen = 0;
  } catch {
    // Nothing is planned.
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(pause, 0, 0);
}

const broken = (): Error => Object.assign(new Error('EIO: injected'), { code: 'EIO' });
const full = (): Error => Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' });

function patch(): void {
  const { openSync, writeSync, writevSync, fdatasyncSync, fdatasync, linkSync, fsyncSync } = real;
  Object.assign(fs, {
    openSync: (path: fs.PathLike, flags: fs.OpenMode, mode?: fs.Mode) =>
      typeof flags === 'number' && (flags & fs.constants.O_CREAT) !== 0
        ? at('create', () => openSync(path, flags, mode))
        : openSync(path, flags, mode),
    writeSync: (...args: Parameters<typeof fs.writeSync>) => at('write', () => writeSync(...args)),
    writevSync: (...args: Parameters<typeof fs.writevSync>) => at('append', () => writevSync(...args)),
    fdatasyncSync: (file: number) => at('sync', () => fdatasyncSync(file)),
    fdatasync: (file: number, done: fs.NoParamCallback) => {
      try {
        at('sync', () => fdatasync(file, done));
      } catch (error) {
        done(error as NodeJS.ErrnoException);
      }
    },
    linkSync: (from: fs.PathLike, to: fs.PathLike) => at('link', () => linkSync(from, to)),
    fsyncSync: (file: number) => at('sync-folder', () => fsyncSync(file)),
  });
  patchSqlite();
  syncBuiltinESMExports();
}

function patchSqlite(): void {
  const prototype = sqlite.StatementSync.prototype as { run: (...args: unknown[]) => unknown };
  const { run } = prototype;
  prototype.run = function (this: sqlite.StatementSync, ...args: unknown[]) {
    return at('statement', () => run.apply(this, args), this.sourceSQL);
  };
}

const only = process.env['CHAOS_ONLY'];
if (only === undefined || process.argv[1]?.endsWith(only) === true) patch();
