/**
 * npm run bench:replay [-- --gb N --folder DIR --keep]: a recording of N GB of PostgreSQL messages, made by the recorder, then what it
 * takes to index it, to open it, to get to its end, to a time, to the next error and to the next write; and lists of many sessions.
 * Each phase is a process of its own, so that what it held at most is its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { createSignerKey, fileSigner } from '#adapters/local/file-signer.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { openUnindexedSessions } from '#adapters/local/unindexed-sessions.ts';
import type { Opening } from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { indexSession, openSessionSteps, type SessionSteps } from '#core/replay/index/index-session.ts';
import type { StepQuery } from '#core/replay/index/query.ts';
import { INDEX_VERSION } from '#core/replay/index/version.ts';
import { opening } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { recordLarge } from './large-recording.ts';

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '10' },
    folder: { type: 'string', default: '' },
    phase: { type: 'string', default: '' },
    keep: { type: 'boolean', default: false },
  },
});
const BYTES = Number(values.gb) * 1e9;
const OPENING: Opening = opening(1);
/** What is compressed of it, and the index, take less than this share of what is recorded. */
const DISK_SHARE = 0.5;

type Figures = Readonly<Record<string, number | string>>;
const PHASES: Readonly<Record<string, (folder: string) => Promise<Figures>>> = {
  make: makeRecording,
  index: makeIndex,
  read: readSteps,
  catalog: listSessions,
};

async function main(): Promise<void> {
  const folder = values.folder || mkdtempSync(join(tmpdir(), 'custody-replay-'));
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < BYTES * DISK_SHARE) throw new Error(`there is not enough room in ${folder}`);
  mkdirSync(join(folder, 'key'), { recursive: true, mode: 0o700 });
  createSignerKey(join(folder, 'key'));
  try {
    for (const name of Object.keys(PHASES)) {
      const child = fork(import.meta.filename, ['--phase', name, '--folder', folder, '--gb', values.gb]);
      const [figures] = (await once(child, 'message')) as [Figures];
      process.stdout.write(`${JSON.stringify({ phase: name, ...figures })}\n`);
      child.disconnect();
    }
  } finally {
    if (!values.keep) rmSync(folder, { recursive: true, force: true });
  }
}

async function makeRecording(folder: string): Promise<Figures> {
  const started = performance.now();
  const { bytes, frames } = await recordLarge(OPENING, BYTES, {
    sink: directoryStore(join(folder, 'store')),
    signer: fileSigner(join(folder, 'key')),
    index: { opened: async () => undefined, closed: async () => undefined, unsealed: async () => [] },
    leaves: { add: async () => undefined },
  });
  return { seconds: since(started), recordedMB: Math.round(bytes / 1e6), frames };
}

async function makeIndex(folder: string): Promise<Figures> {
  const started = performance.now();
  const ports = { store: directoryStore(join(folder, 'store')), signer: fileSigner(join(folder, 'key')) };
  const made = await indexSession(OPENING.session, ports);
  if (made.state !== 'made') throw new Error(`the index is ${made.state}`);
  const { total, verdict } = made.about;
  const seconds = since(started);
  const { user, system } = process.cpuUsage();
  const cpuSeconds = (user + system) / 1e6;
  return {
    seconds,
    cpuSeconds,
    MBperSecond: Math.round(BYTES / 1e6 / seconds),
    MBperCpuSecond: Math.round(BYTES / 1e6 / cpuSeconds),
    verdict,
    steps: total.steps,
    errors: total.errors,
    writes: total.writes,
  };
}

async function readSteps(folder: string): Promise<Figures> {
  const signer = await fileSigner(join(folder, 'key')).publicKey();
  const open = async (): Promise<SessionSteps> => {
    const opened = await openSessionSteps(OPENING.session, directoryStore(join(folder, 'store')), signer);
    if (opened.index === undefined) throw new Error(opened.why);
    return opened;
  };
  const first = performance.now();
  const { total } = (await open()).about;
  const figures: Record<string, number> = { openMs: ms(first) };
  const middle = { from: Math.floor(total.steps / 2) };
  const asked: Readonly<Record<string, StepQuery>> = {
    firstPageMs: { place: { cursor: 0 }, direction: 'next', limit: 200 },
    lastPageMs: { place: { cursor: total.steps }, direction: 'previous', limit: 200 },
    seekByTimeMs: { place: { at: total.to * 0.73 }, direction: 'next', limit: 200 },
    nextErrorMs: { place: middle, direction: 'next', limit: 1, errors: true },
    nextWriteMs: { place: middle, direction: 'next', limit: 1, writes: true },
    previousErrorMs: { place: middle, direction: 'previous', limit: 1, errors: true },
  };
  for (const [name, query] of Object.entries(asked)) {
    // Opened each time, as the API does for each page.
    const started = performance.now();
    const { steps } = await (await open()).page(query);
    figures[name] = ms(started);
    if (steps.length === 0) figures[`${name}Nothing`] = 1;
  }
  return figures;
}

async function listSessions(folder: string): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const count of [1_000, 100_000]) {
    const file = join(folder, `index-${count}.sqlite`);
    await fillCatalog(file, count);
    const started = performance.now();
    const catalog = openSessionIndex(file);
    figures[`open${count}Ms`] = ms(started);
    const listed = async (name: string, query: object): Promise<void> => {
      const from = performance.now();
      await catalog.list({ limit: 50, ...query });
      figures[`${name}${count}Ms`] = ms(from);
    };
    await listed('newest', {});
    await listed('oneTarget', { target: 'target-3' });
    await listed('oneSubject', { subject: { issuer: 'https://id.example', subject: 'dev-7' } });
    await listed('onePerson', { person: 'dev-7' });
    catalog.close();
    const unindexed = openUnindexedSessions(file, INDEX_VERSION);
    const from = performance.now();
    unindexed.next(20);
    figures[`unindexed${count}Ms`] = ms(from);
    unindexed.close();
  }
  return figures;
}

async function fillCatalog(file: string, count: number): Promise<void> {
  const catalog = openSessionIndex(file);
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file);
  const insert = database.prepare(
    'INSERT INTO sessions (id, target, issuer, subject, record, outcome) VALUES (?, ?, ?, ?, ?, ?)',
  );
  database.exec('BEGIN');
  for (let n = 0; n < count; n += 1) {
    const id = newSessionId(1_700_000_000_000 + n * 1000, new Uint8Array(10).fill(n % 256));
    const record = { ...sessionRecord(n, { subject: `dev-${n % 100}`, target: `target-${n % 20}` }), id };
    const { target, principal } = record;
    insert.run(
      id,
      target,
      principal.issuer,
      principal.subject,
      JSON.stringify(record),
      JSON.stringify(OUTCOME),
    );
  }
  database.exec('COMMIT');
  database.close();
  catalog.close();
}

function since(started: number): number {
  return Math.round((performance.now() - started) / 100) / 10;
}

function ms(started: number): number {
  return Math.round((performance.now() - started) * 10) / 10;
}

const phase = PHASES[values.phase];
if (phase === undefined) await main();
else
  process.send!({
    ...(await phase(values.folder)),
    peakRssMiB: Math.round(process.resourceUsage().maxRSS / 1024),
  });
