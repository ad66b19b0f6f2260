import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { type JournalSizes, journalRemains, openJournal } from '#adapters/local/journal.ts';
import { localJournalTails } from '#adapters/local/journal-tail.ts';
import type { JournalEntry } from '#core/recording/ports.ts';
import { FaultyDisk, type PlannedWrite } from './faulty-disk.ts';
import { entry, SESSION_A, SESSION_B } from './journal-entries.ts';

/** A few records fill a file, and a few more need room. */
export const SMALL_SIZES: JournalSizes = {
  ...{ ahead: 6_000, low: 3_000, lead: 1_500, small: 2_000, sync: 2_500 },
  ...{ file: 12_000, quiet: 2_500 },
};

/** The blocks of all that is in a journal. */
export async function textsIn(path: string): Promise<string[]> {
  const texts: string[] = [];
  await journalRemains(path).read(({ block }) => void texts.push(textOf(block)));
  return texts;
}

export function textOf(block: Uint8Array): string {
  return Buffer.from(block).toString();
}

/** What happens to a journal, one thing after the other. */
export type Step =
  | { readonly kind: 'append'; readonly lengths: readonly number[]; readonly plan: readonly PlannedWrite[] }
  | { readonly kind: 'release'; readonly session: number }
  | { readonly kind: 'zeros'; readonly plan: { readonly most?: number; readonly fails?: string } }
  | { readonly kind: 'look' };

const failure = fc.option(fc.constantFrom('EIO', 'ENOSPC'), { nil: undefined, freq: 8 });
const plannedWrite = fc.tuple(fc.option(fc.nat(1_500), { nil: undefined }), failure).map(
  ([most, fails]): PlannedWrite => ({
    // Nothing at all, and no error, is no disk.
    ...(most === undefined ? {} : { most: fails === undefined ? most + 1 : most }),
    ...(fails === undefined ? {} : { fails }),
  }),
);
export const journalSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('append' as const),
        lengths: fc.array(fc.constantFrom(0, 3, 30, 300, 2_000), { minLength: 1, maxLength: 4 }),
        plan: fc.array(plannedWrite, { maxLength: 2 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), session: fc.nat(1) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('zeros' as const),
        plan: fc.record(
          { most: fc.nat(6_000), fails: fc.constantFrom('EIO', 'ENOSPC') },
          { requiredKeys: [] },
        ),
      }),
    },
    { weight: 3, arbitrary: fc.constant({ kind: 'look' as const }) },
  ),
  { maxLength: 25 },
);

/** What came of it: texts of entries, in order. */
export interface Told {
  readonly appended: readonly string[];
  /** Acknowledged, and needed. */
  readonly kept: readonly string[];
  readonly keptOfA: readonly string[];
  /** In the journal, as a process that is killed leaves it. */
  readonly left: readonly string[];
  /** The same once it is closed. */
  readonly closed: readonly string[];
  /** What who follows session A was given. */
  readonly seen: readonly string[];
}

/** A journal under such steps, and what is known of it. */
export class JournalStory {
  readonly path = mkdtempSync(join(tmpdir(), 'custody-journal-story-'));
  readonly disk = new FaultyDisk();
  /** Every entry that was ever appended, in order: text, session, and whether it is durable and needed. */
  readonly appended: {
    readonly text: string;
    readonly session: string;
    isKept: boolean;
  }[] = [];
  /** What who follows session A was given. */
  readonly seen: string[] = [];
  readonly #tail = localJournalTails(this.path).follow('task-1', SESSION_A);
  #journal!: Awaited<ReturnType<typeof openJournal>>;
  readonly #gates: (() => void)[] = [];

  async run(all: readonly Step[]): Promise<Told> {
    this.#gateZeros({});
    this.#journal = await openJournal(this.path, 'task-1', { disk: this.disk, sizes: SMALL_SIZES });
    for (const step of all) await this.#step(step);
    await this.#look();
    // As a process that is killed now would leave it.
    const left = await textsIn(this.path);
    await this.#end();
    const closed = await textsIn(this.path);
    rmSync(this.path, { recursive: true });
    return {
      appended: this.appended.map(({ text }) => text),
      kept: this.#texts(({ isKept }) => isKept),
      keptOfA: this.#texts(({ isKept, session }) => isKept && session === SESSION_A),
      ...{ left, closed, seen: this.seen },
    };
  }

  async #step(step: Step): Promise<void> {
    if (step.kind === 'append') return this.#append(step.lengths, step.plan);
    if (step.kind === 'look') return this.#look();
    if (step.kind === 'release') return this.#release(step.session === 0 ? SESSION_A : SESSION_B);
    this.#gates.shift()?.();
    for (let turns = 0; turns < 3; turns += 1) await turn();
    this.#gateZeros(step.plan);
  }

  /** Zeros that are asked for next are not written before it is their turn. */
  #gateZeros(plan: { readonly most?: number; readonly fails?: string }): void {
    if (this.disk.zeros.length > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.disk.zeros.push({ ...plan, until: promise });
    this.#gates.push(resolve);
  }

  async #append(lengths: readonly number[], plan: readonly PlannedWrite[]): Promise<void> {
    this.disk.writes.splice(0, Number.POSITIVE_INFINITY, ...plan);
    const entries = lengths.map((length, i) => this.#entry(length, i % 2 === 0 ? SESSION_A : SESSION_B));
    const known = this.appended.slice(-entries.length);
    const appending = this.#journal.append(entries).then(
      () => true,
      () => false,
    );
    for (let turns = 0; turns < 3; turns += 1) await turn();
    // It may wait for zeros.
    for (const open of this.#gates.splice(0)) open();
    const isDurable = await appending;
    for (const one of known) one.isKept = isDurable;
  }

  #entry(length: number, session: string): JournalEntry {
    const text = `${this.appended.length}${'.'.repeat(length)}`;
    this.appended.push({ text, session, isKept: false });
    return entry(session, 0, 0, text);
  }

  #release(session: string): void {
    for (const one of this.appended) if (one.session === session) one.isKept = false;
    this.#journal.release(session, 0);
  }

  async #look(): Promise<void> {
    for (;;) {
      const entries = await this.#tail.read();
      if (entries.length === 0) return;
      this.seen.push(...entries.map(({ block }) => textOf(block)));
    }
  }

  #texts(which: (one: JournalStory['appended'][number]) => boolean): string[] {
    return this.appended.filter(which).map(({ text }) => text);
  }

  async #end(): Promise<void> {
    for (const open of this.#gates.splice(0)) open();
    await this.#tail.close();
    await this.#journal.close();
  }
}
