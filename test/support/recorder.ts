import { type DurabilityMode, Stream } from '#core/recording/format.ts';
import type { Journal } from '#core/recording/ports.ts';
import {
  AGEING_AT_ONCE,
  type Committed,
  type FailedTapes,
  type Opening,
  Recorder,
  type TakenRange,
} from '#core/recording/recorder.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { SLAB_BYTES, SlabWriter } from '#core/recording/slab.ts';
import { MemoryIndex, MemoryJournal, MemoryLeaves, MemoryStore, memorySigner } from './memory-ports.ts';

/** Ports in memory, with everything a test looks at. */
export function memoryPorts() {
  return {
    lease: { isHeld: true, task: 'task-1' },
    store: new MemoryStore(),
    signer: memorySigner(),
    journal: new MemoryJournal(),
    index: new MemoryIndex(),
    leaves: new MemoryLeaves(),
  };
}

/** A recorder on memory ports, with a journal that is as given. */
export function memoryRecorder(
  journal: Pick<Journal, 'sessionBytesPerS'> = {},
  pause?: (ms: number) => Promise<unknown>,
) {
  const ports = memoryPorts();
  Object.assign(ports.journal, journal);
  const paused = pause === undefined ? {} : { pause };
  return { ...ports, recorder: new Recorder({ ...ports, ...paused, sink: ports.store }) };
}

/** `n` distinguishes sessions. */
export function opening(n = 0, mode: DurabilityMode = 'windowed'): Opening {
  return {
    session: newSessionId(1_700_000_000_000 + n, new Uint8Array(10).fill(n)),
    startedAt: '2026-11-23T09:00:00.000Z',
    principal: { issuer: 'https://id.example', subject: 'dev-1', groups: ['developers'], groupsOmitted: 0 },
    target: { name: 'orders-db', protocol: 'postgres', address: '127.0.0.1:5432' },
    client: { address: '127.0.0.1:50000' },
    grant: { rule: 'developers-work' },
    policy: 'a'.repeat(64),
    gateway: { version: '0.1.0', task: 'task-1' },
    durability: { mode, windowMs: 250 },
  };
}

export interface TestFrame {
  readonly tape: number;
  readonly stream: number;
  readonly timeUs: number;
  readonly payload: Uint8Array;
}

/** Frames in as few slabs as they fit, taken at `at` (milliseconds), or when the last of them was recorded. */
export function slabsOf(frames: readonly TestFrame[], at: number): TakenRange[] {
  const slabs: SlabWriter[] = [new SlabWriter(new ArrayBuffer(SLAB_BYTES))];
  const last = frames.reduce((latest, { timeUs }) => Math.max(latest, timeUs), 0);
  const atMs = Math.max(at, Math.ceil(last / 1000));
  for (const { tape, stream, timeUs, payload } of frames) {
    if (!slabs.at(-1)!.fits(payload.length)) slabs.push(new SlabWriter(new ArrayBuffer(SLAB_BYTES)));
    slabs.at(-1)!.append(tape, stream as 0 | 1 | 2 | 3, 0, timeUs, payload, payload.length, atMs);
  }
  return slabs.map(({ range }) => ({ ...range, at: atMs }));
}

export function textFrame(tape: number, timeUs: number, text: string): TestFrame {
  return { tape, stream: Stream.client, timeUs, payload: Buffer.from(text) };
}

/** Tapes of a commit that failed, once all of it is durable or will never be. */
export async function failuresOf(committed: Promise<Committed>): Promise<FailedTapes> {
  const { failed, behind } = await committed;
  const fates = behind.map(async ([tape, settled]) => [tape, await settled] as const);
  return [
    ...failed,
    ...(await Promise.all(fates)).flatMap(([tape, error]) => (error ? [[tape, error] as const] : [])),
  ];
}

/** Puts the segments of all sessions, which the recorder does a few at a time. */
export async function putAllAged(recorder: Recorder, sessions: number, at: number): Promise<void> {
  for (let put = 0; put < sessions; put += AGEING_AT_ONCE) await recorder.putAged(at);
}
