/** The relay's side of one task: streams of rows, and quiet sessions whose waiting is measured. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Stream } from '#core/recording/format.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import type { FromRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, type TapeOptions, Tapes } from '#proxy/recorder/tapes.ts';
import { opening } from '#test/support/recorder.ts';
import { Count, type RecorderThreadData } from './modelled-aws.ts';

const CHUNK = 64 << 10;
const ROWS = csvRows();

type BenchPlace = Partial<Pick<RecorderThreadData, 'partitions' | 'folder' | 'appends'>>;

/** A gateway task without clients. */
export class BenchTask {
  readonly tapes: Tapes;
  readonly count: Float64Array;
  /** Sessions that were ended, by what the recorder said. */
  readonly ended: string[] = [];
  readonly #worker: Worker;

  constructor(name: string, { partitions, folder, appends }: BenchPlace = {}) {
    const counters = new SharedArrayBuffer(Count.all * Float64Array.BYTES_PER_ELEMENT);
    this.count = new Float64Array(counters);
    const workerData: RecorderThreadData = {
      task: name,
      timeOrigin: performance.timeOrigin,
      counters,
      partitions,
      folder,
      appends,
    };
    this.#worker = new Worker(new URL('./recorder-thread.ts', import.meta.url), { workerData });
    this.tapes = new Tapes(this.#worker, () => performance.now());
    this.#worker.on('message', (message: FromRecorder) => this.tapes.receive(message));
  }

  open(durability: TapeOptions['durability'] = 'windowed'): Promise<SessionTape> {
    const session = newSessionId(Date.now(), crypto.getRandomValues(new Uint8Array(10)));
    const onFailure = ({ detail = '' }: { readonly detail?: string | undefined }): void =>
      void this.ended.push(detail);
    const told = { ...opening(), session, durability: { mode: durability, windowMs: 250 } };
    return this.tapes.open(told, { durability, windowMs: 250, deadlineMs: 5_000, onFailure });
  }

  async stop(): Promise<void> {
    this.tapes.stop();
    await this.#worker.terminate();
  }
}

/** How long a session was kept from reading, milliseconds in all and at most at once. */
export interface Paused {
  all: number;
  longest: number;
}

/** Rows at `bytesPerS` until `until`, as fast as the recorder lets. Resolves with how many bytes that were. */
export async function stream(tape: SessionTape, bytesPerS: number, until: number): Promise<number> {
  const rows = ROWS;
  const began = performance.now();
  let sent = 0;
  while (performance.now() < until) {
    const due = ((performance.now() - began) / 1000) * bytesPerS;
    let goesOn = true;
    while (sent < due && goesOn) {
      const at = (sent / CHUNK) % (rows.byteLength / CHUNK - 1);
      goesOn = tape.record(Stream.target, rows.subarray(Math.floor(at) * CHUNK), CHUNK);
      sent += CHUNK;
    }
    if (goesOn) await sleep(2);
    else await new Promise<void>((resume) => tape.whenCaughtUp(resume));
  }
  return sent;
}

/** Statements of a write-ahead session, one after another: how long each waited until it was durable. */
export async function statements(tape: SessionTape, until: number): Promise<number[]> {
  const times: number[] = [];
  const text = Buffer.from('select balance from accounts where id = 4711');
  while (performance.now() < until) {
    await sleep(20 + 60 * Math.random());
    const asked = performance.now();
    tape.record(Stream.client, text, text.byteLength);
    // One that never becomes durable counts with what it has waited.
    const durable = new Promise<void>((done) => tape.whenDurable(done));
    await Promise.race([durable, sleep(until + 5_000 - performance.now())]);
    times.push(performance.now() - asked);
  }
  return times;
}

/** Statements of one write-ahead client as fast as they go: each is answered once it is durable. Resolves with their number. */
export async function hurried(tape: SessionTape, until: number): Promise<number> {
  const text = Buffer.from('select balance from accounts where id = 4711');
  const answer = Buffer.alloc(120, 'row');
  let count = 0;
  for (; performance.now() < until; count += 1) {
    tape.record(Stream.client, text, text.byteLength);
    await new Promise<void>((done) => tape.whenDurable(done));
    tape.record(Stream.target, answer, answer.byteLength);
  }
  return count;
}

/** A windowed session that says a little now and then. */
export async function quiet(tape: SessionTape, until: number): Promise<Paused> {
  const paused: Paused = { all: 0, longest: 0 };
  const text = Buffer.from('select 1');
  let since = 0;
  const wait = (): void => {
    if (since !== 0) return;
    since = performance.now();
    tape.whenCaughtUp(() => {
      const took = performance.now() - since;
      since = 0;
      paused.all += took;
      paused.longest = Math.max(paused.longest, took);
    });
  };
  tape.onWait(wait);
  while (performance.now() < until) {
    await sleep(20);
    if (since === 0 && !tape.record(Stream.client, text, text.byteLength)) wait();
  }
  if (since !== 0) {
    paused.all += performance.now() - since;
    paused.longest = Math.max(paused.longest, performance.now() - since);
  }
  return paused;
}

/** Rows as an export has them: zstd makes about a quarter of them. */
function csvRows(): Buffer {
  const rows: string[] = [];
  const towns = ['Aarhus', 'Bergen', 'Cork', 'Dresden', 'Espoo', 'Ghent', 'Lyon', 'Porto'];
  const states = ['new', 'paid', 'packed', 'sent', 'returned'];
  for (let id = 1; rows.length < 120_000; id += 1) {
    const amount = (Math.random() * 500).toFixed(2);
    const town = towns[Math.floor(Math.random() * towns.length)];
    const state = states[Math.floor(Math.random() * states.length)];
    const day = `2026-${String(1 + (id % 12)).padStart(2, '0')}-${String(1 + (id % 28)).padStart(2, '0')}`;
    const card = Math.floor(Math.random() * 1e6);
    rows.push(
      `${1_000_000 + id},customer-${100_000 + ((id * 7919) % 90_000)},${town},${day}T10:00:00Z,${amount},EUR,${state},${card},standard delivery\n`,
    );
  }
  return Buffer.from(rows.join(''));
}
