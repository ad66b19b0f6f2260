import { CustodyError } from '#core/errors.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import { isUnsettled, type OutputDigests, type RunStore } from '#core/tasks/store.ts';

interface Kept {
  run: Run;
  told: number;
  readonly key: Uint8Array;
  readonly once: string | undefined;
}

const MOST = 200_000;

/** The store of runs, in memory. `fail` makes every call reject. */
export class MemoryRuns implements RunStore {
  readonly #kept = new Map<string, Kept>();
  readonly #outputs = new Map<string, OutputDigests>();
  fail: CustodyError | undefined;
  gets = 0;

  async create(run: Run, key: Uint8Array, once?: string): Promise<Run> {
    const who = once === undefined ? undefined : JSON.stringify([once, run.startedBy.subject]);
    const earlier = [...this.#kept.values()].find((one) => who !== undefined && one.once === who);
    if (earlier !== undefined) return earlier.run;
    if (this.#kept.has(run.id)) throw new CustodyError('already-exists', 'the run exists already');
    this.#kept.set(run.id, { run, told: 0, key, once: who });
    return run;
  }

  async append(id: string, after: number, steps: readonly RunStep[]): Promise<void> {
    const kept = this.#of(id);
    if (kept.run.steps.length !== after) throw new CustodyError('conflict', 'the run was changed');
    kept.run = { ...kept.run, steps: [...kept.run.steps, ...steps] };
  }

  async get(id: string): Promise<Run> {
    this.gets += 1;
    return this.#of(id).run;
  }

  async keyOf(id: string): Promise<Uint8Array> {
    return this.#of(id).key;
  }

  async list({ workflow, limit, cursor }: Parameters<RunStore['list']>[0]): ReturnType<RunStore['list']> {
    const all = this.#all().filter(
      (run) =>
        (workflow === undefined || run.workflow === workflow) && (cursor === undefined || run.id < cursor),
    );
    const runs = all.toReversed().slice(0, limit);
    return runs.length < all.length ? { runs, next: runs.at(-1)!.id } : { runs };
  }

  async unsettled(limit: number, after = ''): Promise<readonly string[]> {
    const ids = this.#all().flatMap((run) => (isUnsettled(run) && run.id > after ? [run.id] : []));
    return ids.slice(0, limit);
  }

  async untold(limit: number, id?: string): ReturnType<RunStore['untold']> {
    return [...this.#kept.values()]
      .filter(({ run, told }) => (id === undefined || run.id === id) && told < run.steps.length + 1)
      .map(({ run, told }) => ({ run, told }))
      .slice(0, limit);
  }

  async told(id: string, count: number): Promise<void> {
    const kept = this.#of(id);
    kept.told = Math.max(kept.told, count);
  }

  readonly outputs: RunStore['outputs'] = {
    put: async (run, session, outputs) => {
      const size = [...outputs.columns.values()].reduce((sum, values) => sum + values.size, 0);
      if (size > MOST) throw new CustodyError('format-invalid', 'too many values');
      const key = `${run}/${session}`;
      if (!this.#outputs.has(key)) this.#outputs.set(key, outputs);
    },
    get: async (run, session) => {
      if (this.fail !== undefined) throw this.fail;
      return this.#outputs.get(`${run}/${session}`);
    },
  };

  #all(): readonly Run[] {
    return [...this.#kept.values()].map(({ run }) => run).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  #of(id: string): Kept {
    if (this.fail !== undefined) throw this.fail;
    const kept = this.#kept.get(id);
    if (kept === undefined) throw new CustodyError('not-found', 'there is no such run');
    return kept;
  }
}
