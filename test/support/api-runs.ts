import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import type { RunCatalog, RunOutbox, RunPage, RunQuery, Runs } from '#core/tasks/store.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import { workflowDigest } from '#core/tasks/workflows.ts';
import type { RunsPorts } from '#lambdas/runs/handler.ts';
import { MemoryLeaves, MemoryStore } from './memory-ports.ts';

/** Runs in memory, as the contract has them. */
export class MemoryRuns implements Runs, RunCatalog, RunOutbox {
  readonly items = new Map<string, { run: Run; readonly key: Uint8Array; told: number }>();
  readonly #once = new Map<string, string>();

  async create(run: Run, key: Uint8Array, once?: string): Promise<Run> {
    const name = JSON.stringify([run.startedBy.issuer, run.startedBy.subject, once]);
    const before = once === undefined ? undefined : this.#once.get(name);
    if (before !== undefined) return this.get(before);
    if (this.items.has(run.id)) throw new CustodyError('already-exists', 'the id is taken');
    this.items.set(run.id, { run, key, told: 0 });
    if (once !== undefined) this.#once.set(name, run.id);
    return run;
  }

  async append(id: string, after: number, steps: readonly RunStep[]): Promise<void> {
    const item = this.#item(id);
    if (item.run.steps.length !== after) throw new CustodyError('conflict', 'it has changed');
    item.run = { ...item.run, steps: [...item.run.steps, ...steps] };
  }

  async get(id: string): Promise<Run> {
    return this.#item(id).run;
  }

  async keyOf(id: string): Promise<Uint8Array> {
    return this.#item(id).key;
  }

  async list({ workflow, limit, cursor }: RunQuery): Promise<RunPage> {
    const all = [...this.items.values()]
      .map(({ run }) => run)
      .filter((run) => workflow === undefined || run.workflow === workflow)
      .filter(({ id }) => cursor === undefined || id < cursor)
      .toSorted((one, other) => (one.id < other.id ? 1 : -1));
    const runs = all.slice(0, limit);
    return { runs, ...(all.length > limit ? { next: runs.at(-1)!.id } : {}) };
  }

  async unsettled(): Promise<never[]> {
    return [];
  }

  async untold(limit: number, id?: string) {
    return [...this.items.values()]
      .filter(({ run, told }) => told <= run.steps.length && (id === undefined || run.id === id))
      .slice(0, limit)
      .map(({ run, told }) => ({ run, told }));
  }

  async told(id: string, count: number): Promise<void> {
    const item = this.#item(id);
    item.told = Math.max(item.told, count);
  }

  #item(id: string) {
    const item = this.items.get(id);
    if (item === undefined) throw new CustodyError('not-found', 'no such run');
    return item;
  }
}

/** What the API of runs needs, in memory. */
export function memoryRuns(
  now: () => Date,
  source = new MemoryStore(),
  leaves = new MemoryLeaves(),
): Pick<RunsPorts, 'texts'> & { readonly runs: MemoryRuns; readonly desk: RunDesk } {
  const runs = new MemoryRuns();
  const texts = workflowTexts(source);
  let ids = 0;
  const newId = (at: Date): string => newSessionId(at.getTime() + (ids += 1), new Uint8Array(10));
  const stream = { tell: async () => undefined };
  const newKey = (): Uint8Array => new Uint8Array(32).fill(ids);
  return { runs, texts, desk: new RunDesk({ runs, texts, leaves, stream, now, newId, newKey }) };
}

/** As `readConfig` compiles them, without commands: for whoever starts runs and runs nothing. */
export function withoutContracts(config: Config): Config {
  const compiled = [...config.workflows].map(([name, { written: text, ...declared }]) => {
    const digest = workflowDigest({ written: text });
    return [name, { name, digest, text, declared, tasks: new Map() }] as const;
  });
  return { ...config, compiled: new Map(compiled) };
}
