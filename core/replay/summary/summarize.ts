import { nameOf } from '#core/access/person.ts';
import type { CloseStatement, OpenStatement } from '#core/recording/format.ts';
import type { StepFacts } from '../facts.ts';
import type { ReadStep } from '../reader.ts';
import { Counts } from './counts.ts';
import type { SessionSummary } from './summary.ts';

const NAMES = 1_000;
const CODES = 100;
const SHAPES = 200;
const DEVIATIONS = 100;
const NEVER = { read: 0, written: 0, failed: 0 };
/** Of a name that is kept, in characters. */
const NAME_MAX = 512;

interface Coded {
  code: string;
  count: number;
  step: number;
}
interface Shaped {
  shape: string;
  count: number;
  step: number;
}
interface Named {
  name: string;
  read: number;
  written: number;
  failed: number;
  step: number;
}
interface NamedFile extends Named {
  bytes: number;
}

/** Counts a session's steps, given in their order. Memory is bounded, whatever they say. */
export class Summarizer {
  readonly #open: OpenStatement;
  readonly #codes = new Counts<Coded>(CODES);
  readonly #relations = new Counts<Named>(NAMES);
  readonly #files = new Counts<NamedFile>(NAMES);
  readonly #shapes = new Counts<Shaped>(SHAPES);
  readonly #deviations: { kind: string; how: string; step: number }[] = [];
  #deviationsLeftOut = 0;
  #steps = 0;
  readonly #errors: { count: number; step?: number } = { count: 0 };
  readonly #writes: { count: number; step?: number } = { count: 0 };
  readonly #rows = { out: 0, written: 0 };
  #largest: { rows: number; step: number } | undefined;
  #slowest: { took: number; step: number } | undefined;
  readonly #bytes = { sent: 0, received: 0 };

  constructor(open: OpenStatement) {
    this.#open = open;
  }

  take(step: number, read: ReadStep, facts: StepFacts): void {
    this.#steps = step;
    if (facts.isError) countOne(this.#errors, step);
    if (facts.isWrite) countOne(this.#writes, step);
    this.#amounts(step, read, facts);
    this.#names(step, facts);
    this.#deviation(step, read);
  }

  /** `close`: where the session is over. */
  summary(close?: Pick<CloseStatement, 'endedAt' | 'reason'>): SessionSummary {
    const [largest, slowest] = [this.#largest, this.#slowest];
    return {
      type: 'custody/summary/1',
      ...occasionOf(this.#open),
      ...(close && { endedAt: close.endedAt, reason: close.reason }),
      steps: this.#steps,
      errors: { ...this.#errors, codes: this.#codes.values().toSorted(mostFirst) },
      writes: this.#writes,
      rows: { ...this.#rows, ...(largest && { largest }) },
      bytes: this.#bytes,
      relations: this.#relations.values().toSorted(byName),
      files: this.#files.values().toSorted(byName),
      shapes: this.#shapes.values().toSorted(mostFirst),
      deviations: this.#deviations,
      ...(slowest && { slowest }),
      leftOut: {
        codes: this.#codes.leftOut,
        relations: this.#relations.leftOut,
        files: this.#files.leftOut,
        shapes: this.#shapes.leftOut,
        deviations: this.#deviationsLeftOut,
      },
    };
  }

  #amounts(step: number, { step: { took } }: ReadStep, { rows, bytes }: StepFacts): void {
    this.#rows.out += rows.out;
    this.#rows.written += rows.written;
    this.#bytes.sent += bytes.sent;
    this.#bytes.received += bytes.received;
    if (rows.out > (this.#largest?.rows ?? 0)) this.#largest = { rows: rows.out, step };
    if (took > (this.#slowest?.took ?? 0)) this.#slowest = { took, step };
  }

  #names(step: number, { codes, relations, files, shape, isError }: StepFacts): void {
    // Notes have codes too, and are no errors.
    for (const code of isError ? codes : [])
      this.#codes.add(code, { code, count: 0, step }, (known) => known.count++);
    if (shape !== undefined) this.#shapes.add(shape, { shape, count: 0, step }, (known) => known.count++);
    for (const { name: whole, how } of relations) {
      const name = kept(whole);
      this.#relations.add(name, { name, ...NEVER, step }, (known) => known[isError ? 'failed' : how]++);
    }
    for (const { path, how, bytes = 0 } of files) {
      const name = kept(path);
      this.#files.add(name, { name, ...NEVER, bytes: 0, step }, (known) => {
        known[isError ? 'failed' : how]++;
        known.bytes += bytes;
      });
    }
  }

  #deviation(step: number, { step: { note } }: ReadStep): void {
    if (note?.['note'] !== 'task-deviation') return;
    const [kind, how] = [String(note['kind']), String(note['how'])];
    if (this.#deviations.length < DEVIATIONS) this.#deviations.push({ kind, how, step });
    else this.#deviationsLeftOut++;
  }
}

function occasionOf({ session, principal, target, startedAt, client, grant, task }: OpenStatement) {
  const { login, name } = target;
  return {
    session,
    person: nameOf(principal),
    target: name,
    ...(login === undefined ? {} : { login }),
    startedAt,
    client: {
      // The port says nothing of where it came from.
      address: client.address.replace(/:\d+$/, ''),
      ...(client.application === undefined ? {} : { application: client.application }),
    },
    grant: { rule: grant.rule, ...(grant.request === undefined ? {} : { request: grant.request }) },
    ...(task === undefined ? {} : { task: { run: task.run, workflow: task.workflow, name: task.name } }),
  };
}

function kept(name: string): string {
  return name.length <= NAME_MAX ? name : `${name.slice(0, NAME_MAX)}…`;
}

function countOne(counted: { count: number; step?: number }, step: number): void {
  counted.count++;
  counted.step ??= step;
}

/** Those that came first, where there are as many of them. */
function mostFirst(a: { count: number; step: number }, b: { count: number; step: number }): number {
  return b.count - a.count || a.step - b.step;
}

/** By code unit, so that no machine's language changes it. */
function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
