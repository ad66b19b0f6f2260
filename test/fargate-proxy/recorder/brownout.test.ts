import { EventEmitter } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dynamoJournal, type JournalItem } from '#adapters/aws/journal.ts';
import type { CustodyError } from '#core/errors.ts';
import { Stream } from '#core/recording/format.ts';
import { decodeEntries } from '#core/recording/journal-record.ts';
import type { JournalRemains } from '#core/recording/ports.ts';
import { readFrames } from '#core/recording/read.ts';
import { sealAbandoned } from '#core/recording/seal.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import type { FromRecorder, ToRecorder } from '#proxy/recorder/messages.ts';
import { type SessionTape, Tapes } from '#proxy/recorder/tapes.ts';
import { serveRecorder } from '#proxy/recorder/thread.ts';
import { memoryPorts, opening } from '#test/support/recorder.ts';
import { remainsOfEntries } from '#test/support/remains.ts';

const AWS_MS = 5;
const SESSIONS = 3;
const pause = (ms: number): Promise<void> => new Promise((over) => setTimeout(over, ms));

type Mood = 'well' | 'throttles' | 'loses' | 'forgets to answer';

/** The journal's table, as it feels. */
class Table {
  mood: Mood = 'well';
  readonly items = new Map<string, JournalItem>();
  /** Items that were written again, and not as they were. */
  readonly contradicted: string[] = [];
  /** Items that were asked for and not answered well, and how many of them there were at most. */
  readonly #asked = new Set<string>();
  most = 0;
  readonly client = { send: (put: { input: { Item: JournalItem } }) => this.#send(put.input.Item) };

  async #send(item: JournalItem): Promise<unknown> {
    await pause(AWS_MS);
    const at = `${item.place} ${item.stream}`;
    this.most = Math.max(this.most, this.#asked.add(at).size);
    const isThere = this.mood === 'well' || this.mood === 'forgets to answer';
    const earlier = this.items.get(at);
    if (earlier !== undefined && !Buffer.from(earlier.bytes).equals(item.bytes)) this.contradicted.push(at);
    if (isThere) this.items.set(at, { ...item, bytes: Uint8Array.from(item.bytes) });
    if (this.mood === 'well') {
      this.#asked.delete(at);
      return {};
    }
    const name = this.mood === 'throttles' ? 'ProvisionedThroughputExceededException' : 'InternalServerError';
    throw Object.assign(new Error(this.mood), { name });
  }

  remains(): JournalRemains {
    const commits = Map.groupBy(
      [...this.items.values()].toSorted((a, b) => (a.place < b.place ? -1 : 1)),
      ({ place }) => place.split('/')[0],
    );
    const entries = [...commits.values()].flatMap((items) => [
      ...decodeEntries(Buffer.concat(items.map(({ bytes }) => bytes))),
    ]);
    return remainsOfEntries(() => entries);
  }
}

/** A task's two threads in one, on a table in DynamoDB. */
class Task {
  readonly table = new Table();
  readonly ports = memoryPorts();
  readonly failures: [session: number, error: CustodyError][] = [];
  readonly tapes: Tapes;
  /** What was called durable, by session. */
  readonly acknowledged = Array.from({ length: SESSIONS }, () => 0);
  readonly sessions: SessionTape[] = [];
  #said = 0;

  constructor() {
    const recorder = new EventEmitter();
    const dynamo = this.table.client as unknown as DynamoDBDocumentClient;
    const patience = { forMs: 60_000, clock: () => performance.now(), pause };
    const journal = dynamoJournal({ dynamo, table: 'journal' }, 'task-1', () => new Date(0), patience);
    const port = Object.assign(recorder, {
      postMessage: (message: FromRecorder) => this.tapes.receive(message),
    });
    const ports = { ...this.ports, sink: this.ports.store, journal };
    serveRecorder(port as unknown as MessagePort, ports, { now: () => performance.now() });
    this.tapes = new Tapes({ postMessage: (message: ToRecorder) => recorder.emit('message', message) }, () =>
      performance.now(),
    );
  }

  async open(deadlines: readonly number[]): Promise<void> {
    for (const [n, deadlineMs] of deadlines.entries()) {
      const onFailure = (error: CustodyError): void => void this.failures.push([n, error]);
      const options = { durability: 'write-ahead', windowMs: 250, deadlineMs, onFailure } as const;
      const opened = this.tapes.open(opening(n, 'write-ahead'), options);
      await vi.advanceTimersByTimeAsync(1);
      this.sessions.push(await opened);
    }
  }

  /** Each session says something every 50 ms. */
  async live(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 50) {
      this.#said += 1;
      const count = this.#said;
      for (const [n, tape] of this.sessions.entries()) {
        const text = Buffer.from(`${n}:${count}`);
        tape.record(Stream.client, text, text.byteLength);
        tape.whenDurable(() => (this.acknowledged[n] = count));
      }
      await vi.advanceTimersByTimeAsync(50);
    }
  }

  /** The process is gone: what a sealer makes of the rest, and everything that is not as it should be. */
  async sealed(): Promise<string[]> {
    this.ports.lease.isHeld = false;
    const { failures } = await sealAbandoned(this.table.remains(), this.ports, new Date());
    const wrong = [...this.table.contradicted, ...failures.map(({ error }) => error.message)];
    for (const [n, { session }] of this.sessions.entries()) wrong.push(...(await this.#untrue(n, session)));
    return wrong;
  }

  async #untrue(n: number, session: string): Promise<string[]> {
    const { store, signer } = this.ports;
    const evidence = store.evidence(session, signer.pem);
    const { verdict } = await verifyEvidence(evidence, { trustedSigners: [signer.der], session });
    const names = (await evidence.list()).filter((name) => name.endsWith('.seg'));
    const texts: string[] = [];
    for (const name of names)
      for (const { payload } of readFrames(await evidence.get(name)))
        texts.push(Buffer.from(payload).toString());
    const wrong = texts.filter((text, i) => text !== `${n}:${i + 1}`);
    if (verdict !== 'verified') wrong.push(verdict);
    if (texts.length < this.acknowledged[n]!) wrong.push(`${texts.length} of ${this.acknowledged[n]}`);
    return wrong;
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a table that has a bad day', () => {
  it.each<Mood>(['throttles', 'loses', 'forgets to answer'])(
    '%s for five seconds: nobody ends, and what waits is four commits and no more',
    async (mood) => {
      const task = new Task();
      await task.open([8_000, 8_000, 8_000]);
      await task.live(1_000);
      const before = [...task.acknowledged];
      expect(before.every((count) => count >= 15)).toBe(true);
      task.table.mood = mood;
      await task.live(5_000);
      expect(task.table.most).toBe(4);
      // Some commits may have been on their way.
      expect(task.acknowledged.every((count, n) => count <= before[n]! + 2)).toBe(true);
      task.table.mood = 'well';
      await task.live(1_000);
      expect(task.failures).toEqual([]);
      expect(Math.min(...task.acknowledged)).toBeGreaterThan(135);
      expect(await task.sealed()).toEqual([]);
      task.tapes.stop();
    },
  );

  it.each<Mood>(['throttles', 'loses', 'forgets to answer'])(
    '%s for longer than some will wait: those end, and nobody else; what was acknowledged is there',
    async (mood) => {
      const task = new Task();
      await task.open([2_000, 8_000, 2_000]);
      await task.live(1_000);
      task.table.mood = mood;
      await task.live(5_000);
      expect(task.failures.map(([n, { code }]) => `${n} ${code}`).toSorted()).toEqual([
        '0 recording-failed',
        '2 recording-failed',
      ]);
      const patient = task.acknowledged[1]!;
      task.table.mood = 'well';
      await task.live(1_000);
      expect(task.failures).toHaveLength(2);
      expect(task.acknowledged[1]).toBeGreaterThan(patient + 100);
      expect(await task.sealed()).toEqual([]);
      task.tapes.stop();
    },
  );
});
