import { CustodyError } from '#core/errors.ts';
import { encodeOutputs } from '#core/tasks/output-digests.ts';
import type { Run, RunStep } from '#core/tasks/run.ts';
import {
  isUnsettled,
  type OutputDigests,
  type RunPage,
  type RunQuery,
  type RunStore,
  type UntoldRun,
} from '#core/tasks/store.ts';

/** Runs in memory. */
export class MemoryRuns implements RunStore {
  readonly runs = new Map<string, Run>();
  readonly kept = new Map<string, OutputDigests>();
  readonly #keys = new Map<string, Uint8Array>();
  readonly #once = new Map<string, string>();
  readonly #told = new Map<string, number>();

  readonly outputs = {
    put: async (run: string, session: string, outputs: OutputDigests): Promise<void> => {
      encodeOutputs(outputs); // refuses what no store takes
      const key = `${run}/${session}`;
      if (!this.kept.has(key)) this.kept.set(key, outputs);
    },
    get: async (run: string, session: string): Promise<OutputDigests | undefined> =>
      this.kept.get(`${run}/${session}`),
  };

  async create(run: Run, key: Uint8Array, once?: string): Promise<Run> {
    const name = JSON.stringify([run.startedBy.issuer, run.startedBy.subject, once]);
    const earlier = once === undefined ? undefined : this.#once.get(name);
    if (earlier !== undefined) return this.get(earlier);
    if (this.runs.has(run.id)) throw new CustodyError('already-exists', 'the run exists already');
    this.runs.set(run.id, structuredClone(run));
    this.#keys.set(run.id, key);
    if (once !== undefined) this.#once.set(name, run.id);
    return run;
  }

  async append(id: string, after: number, steps: readonly RunStep[]): Promise<void> {
    const run = this.runs.get(id);
    if (run === undefined) throw new CustodyError('not-found', 'no such run');
    if (run.steps.length !== after) throw new CustodyError('conflict', 'somebody else changed the run');
    this.runs.set(id, { ...run, steps: [...run.steps, ...steps] });
  }

  async get(id: string): Promise<Run> {
    const run = this.runs.get(id);
    if (run === undefined) throw new CustodyError('not-found', 'no such run');
    return run;
  }

  async keyOf(id: string): Promise<Uint8Array> {
    await this.get(id);
    return this.#keys.get(id)!;
  }

  async list({ workflow, limit, cursor }: RunQuery): Promise<RunPage> {
    const found = [...this.runs.values()]
      .filter((run) => workflow === undefined || run.workflow === workflow)
      .filter(({ id }) => cursor === undefined || id < cursor)
      .sort((a, b) => (a.id < b.id ? 1 : -1));
    const runs = found.slice(0, limit);
    return found.length > limit ? { runs, next: runs.at(-1)!.id } : { runs };
  }

  async unsettled(limit: number, after = ''): Promise<string[]> {
    const found = [...this.runs.values()].filter((run) => isUnsettled(run) && run.id > after);
    return found
      .map(({ id }) => id)
      .sort()
      .slice(0, limit);
  }

  async untold(limit: number, id?: string): Promise<UntoldRun[]> {
    return [...this.runs.values()]
      .filter((run) => id === undefined || run.id === id)
      .map((run) => ({ run, told: this.#told.get(run.id) ?? 0 }))
      .filter(({ run, told }) => told <= run.steps.length)
      .slice(0, limit);
  }

  async told(id: string, count: number): Promise<void> {
    this.#told.set(id, Math.max(count, this.#told.get(id) ?? 0));
  }
}
