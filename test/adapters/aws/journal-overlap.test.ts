import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dynamoJournal, type JournalItem, type JournalTable } from '#adapters/aws/journal.ts';
import { dynamoJournalRemains } from '#adapters/aws/journal-remains.ts';
import { dynamoJournalTails } from '#adapters/aws/journal-tail.ts';
import { CommitLine, inOrder } from '#core/recording/commit-line.ts';
import type { JournalTail } from '#core/recording/live/ports.ts';
import type { Journal, JournalEntry, JournaledTail } from '#core/recording/ports.ts';
import { entry } from '#test/support/journal-entries.ts';
import { tailsByTheBook } from '#test/support/journal-model.ts';
import { JournalTableInMemory } from '#test/support/journal-table.ts';
import { tailsIn } from '#test/support/remains.ts';

const TASK = 'task';
const SESSIONS = ['0', '1', '2'].map((n) => `019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3${n}`);
/** Two parts of an item. */
const LARGE = 500_000;

/** `kept`: there, and answered with an error. `silent`: there at once or in the end, and never answered. */
type Fate = 'done' | 'lost' | 'kept' | 'silent';
interface Put {
  readonly item: JournalItem;
  end(fate: Fate): void;
}

/** The table, of which every put is held until it is told what becomes of it. */
class HeldPuts {
  readonly table = new JournalTableInMemory();
  readonly puts: Put[] = [];

  get place(): JournalTable {
    const send = ({ input }: { input: { Item: JournalItem } }): Promise<unknown> => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const { bytes, ...item } = input.Item;
      const content = Uint8Array.from(bytes);
      const end = (fate: Fate): void => {
        if (fate !== 'lost') this.table.add({ ...item, bytes: () => content });
        if (fate === 'done') resolve({});
        if (fate === 'lost' || fate === 'kept') reject(new Error(fate));
      };
      this.puts.push({ item: input.Item, end });
      return promise;
    };
    return { dynamo: { send } as unknown as JournalTable['dynamo'], table: this.table.table };
  }

  async end(n: number, fate: Fate): Promise<void> {
    const [put] = this.puts.splice(n % this.puts.length, 1);
    put?.end(fate);
    await turn();
  }
}

/** Sessions that commit as a recorder does. */
class Writer {
  readonly held = new HeldPuts();
  /** Of each session, what went to the journal, and how much of it was called durable. */
  readonly said = SESSIONS.map(() => '');
  readonly acknowledged = SESSIONS.map(() => 0);
  readonly #failed = new Set<number>();
  readonly #journal: Journal;
  readonly #line: CommitLine;

  constructor() {
    const once = { forMs: 0, clock: () => 0, pause: async () => undefined };
    this.#journal = dynamoJournal(this.held.place, TASK, () => new Date(0), once);
    this.#line = new CommitLine(this.#journal.appendsAtOnce ?? 1);
  }

  async commit(sessions: readonly number[], isLarge: boolean): Promise<void> {
    void this.#line.enter((before) => this.#append([...new Set(sessions)], before, isLarge));
    await turn();
  }

  async #append(sessions: readonly number[], before: Promise<void>, isLarge: boolean): Promise<void> {
    const entries: JournalEntry[] = sessions.map((n) => {
      const offset = this.said[n]!.length;
      this.said[n] += `${offset},`.padEnd(isLarge ? LARGE : 0, '-');
      return entry(SESSIONS[n]!, 0, offset, this.said[n]!.slice(offset));
    });
    const isDurable = await inOrder(before, this.#journal.append(entries)).then(
      () => true,
      () => false,
    );
    for (const [at, n] of sessions.entries()) {
      if (!isDurable) this.#failed.add(n);
      if (this.#failed.has(n)) continue;
      
      this.acknowledged[n] = entries[at]!.offset + entries[at]!.block.byteLength;
    }
  }

  /** Whatever is there of each session begins what it said, and has all of it that was called durable. */
  check(tails: readonly JournaledTail[]): void {
    for (const [n, session] of SESSIONS.entries()) {
      const tail = tails.find((one) => one.session === session);
      const text = Buffer.from(tail?.content ?? '').toString();
      expect(this.said[n]!.startsWith(text)).toBe(true);
      expect(text.length).toBeGreaterThanOrEqual(this.acknowledged[n]!);
    }
  }
}

/** What who looks on has seen of a session, where it follows on; and everything else, by where it stands. */
class Watcher {
  text = '';
  readonly #tail: JournalTail;

  constructor({ held }: Writer, session: string) {
    this.#tail = dynamoJournalTails(held.table).follow(TASK, session);
  }

  async look(): Promise<void> {
    for (;;) {
      const entries = await this.#tail.read();
      if (entries.length === 0) return;
      for (const { offset, block } of entries)
        if (offset === this.text.length) this.text += Buffer.from(block).toString();
    }
  }
}

type Step =
  | { readonly do: 'commit'; readonly sessions: readonly number[]; readonly isLarge: boolean }
  | { readonly do: 'end'; readonly put: number; readonly fate: Fate }
  | { readonly do: 'look' };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('commit' as const),
        sessions: fc.array(fc.nat(2), { minLength: 1, maxLength: 3 }),
        isLarge: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('end' as const),
        put: fc.nat(10),
        fate: fc.constantFrom<Fate>('done', 'done', 'done', 'done', 'done', 'lost', 'kept', 'silent'),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

async function play(writer: Writer, watcher: Watcher, all: readonly Step[]): Promise<void> {
  for (const step of all) {
    if (step.do === 'commit') await writer.commit(step.sessions, step.isLarge);
    else if (step.do === 'end') await writer.held.end(step.put, step.fate);
    else await watcher.look();
  }
}

describe('appends that overlap in DynamoDB', () => {
  it('whatever is lost, late or without an answer: what was called durable of a session is there, without a gap', async () => {
    await fc.assert(
      fc.asyncProperty(steps, steps, async (before, after) => {
        const writer = new Writer();
        const watcher = new Watcher(writer, SESSIONS[0]!);
        const remains = dynamoJournalRemains(writer.held.table, TASK);
        await play(writer, watcher, before);
        writer.check(tailsByTheBook(writer.held.table.items));
        await play(writer, watcher, after);
        writer.check(await tailsIn(remains));
        await watcher.look();
        expect(writer.said[0]!.startsWith(watcher.text)).toBe(true);
        // The task is gone, and what was on its way lands behind the sealer's back, or does not.
        while (writer.held.puts.length > 0) await writer.held.end(after.length, 'silent');
        writer.check(tailsByTheBook(writer.held.table.items));
      }),
      { numRuns: Number(process.env['CUSTODY_OVERLAP_RUNS'] ?? 12) },
    );
  });

  it('has who looks on wait for one that lands late, and go on where it never does', async () => {
    const writer = new Writer();
    const watcher = new Watcher(writer, SESSIONS[0]!);
    for (let n = 0; n < 3; n += 1) await writer.commit([0], false);
    await writer.held.end(1, 'done');
    await watcher.look();
    expect(watcher.text).toBe('');
    await writer.held.end(0, 'done');
    await watcher.look();
    expect(watcher.text).toBe('0,2,');
    await writer.held.end(0, 'done');
    await writer.commit([1], false);
    await writer.commit([0], false);
    await writer.held.end(1, 'done');
    await watcher.look();
    expect(watcher.text).toBe('0,2,4,');
    await writer.held.end(0, 'lost');
    await writer.commit([2], false);
    await writer.held.end(0, 'done');
    await watcher.look();
    expect(watcher.text).toBe('0,2,4,6,');
  });

  it('says of each commit which before it were over', async () => {
    const writer = new Writer();
    for (let n = 0; n < 3; n += 1) await writer.commit([0], false);
    await writer.held.end(1, 'done');
    await writer.held.end(0, 'done');
    await writer.commit([0], false);
    expect(writer.held.puts.map(({ item: { over } }) => over)).toEqual([0, 2]);
    expect(writer.held.table.items.map(({ over }) => over)).toEqual([0, undefined]);
  });
});
