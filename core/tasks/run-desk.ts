import type { NewsStream } from '../access/news.ts';
import { sameActors } from '../access/person.ts';
import { addSteps, Telling } from '../added-steps.ts';
import { CustodyError } from '../errors.ts';
import { enter, type LeafSink } from '../ledger/leaves.ts';
import { canonicalJson } from './canonical-json.ts';
import type { Run, RunStep } from './run.ts';
import { runLeaf } from './run-leaves.ts';
import { newRun, type RunStart } from './run-lifecycle.ts';
import { runNews } from './run-news.ts';
import type { RunOutbox, Runs, WorkflowTexts } from './store.ts';
import type { Workflow } from './workflows.ts';

export interface RunDeskPorts {
  readonly runs: Runs & RunOutbox;
  readonly texts: Pick<WorkflowTexts, 'put'>;
  readonly leaves: LeafSink;
  readonly stream: NewsStream;
  readonly now: () => Date;
  /** A new UUID version 7. */
  readonly newId: (now: Date) => string;
  /** 32 random bytes. */
  readonly newKey: () => Uint8Array;
}

/** What a run becomes, of what it is now. */
export type RunChange = (run: Run, now: Date) => readonly RunStep[];

const TOLD_AT_ONCE = 100;

/** Where runs are started and changed: each change is durable, in the ledger's queue and told before it is answered (as `AccessDesk`). */
export class RunDesk {
  readonly #ports: RunDeskPorts;
  readonly #telling = new Telling((id) => this.#tellRest(id));

  constructor(ports: RunDeskPorts) {
    this.#ports = ports;
  }

  /**
   * Starts a run, of whoever may: the caller has seen to that. `key`: the same key of the same starter starts one run. Its
   * workflow's text is stored before. Throws what `newRun` throws, and `conflict` for a key of another run.
   */
  async start(workflow: Workflow, start: RunStart, key?: string): Promise<Run> {
    const { runs, texts, now, newId, newKey } = this.#ports;
    const [at, runKey] = [now(), newKey()];
    const run = newRun(workflow, start, { id: newId(at), key: runKey, now: at });
    await texts.put(workflow);
    const stored = await runs.create(run, runKey, key);
    if (stored.id !== run.id) refuseAnother(stored, run);
    await this.tell(stored.id);
    return stored;
  }

  /**
   * Adds the steps that `steps` makes of the run as it is now; nothing where it makes none. Of two changes at once, one sees what
   * the other did. Rejects with what `steps` throws, and with `not-found`.
   */
  async change(id: string, steps: RunChange): Promise<Run> {
    const { runs, now } = this.#ports;
    const changed = await changeRun(runs, id, steps, now);
    await this.tell(id);
    return changed;
  }

  /** Enters and tells what has not been told of this run. When it returns, all of it is in the ledger's queue. */
  tell(id: string): Promise<void> {
    return this.#telling.of(id);
  }

  /**
   * The same for all runs: what somebody left behind who died. Returns how many there were. One that cannot be told keeps no other
   * from it; rejects for it at the end.
   */
  async tellAll(): Promise<number> {
    const untold = await this.#ports.runs.untold(TOLD_AT_ONCE);
    await this.#telling.each(untold.map(({ run }) => run.id));
    return untold.length;
  }

  async #tellRest(id: string): Promise<void> {
    for (const { run, told } of await this.#ports.runs.untold(1, id)) await this.#tell(run, told);
  }

  /** The ledger first: what outsiders are told about has happened for everybody. */
  async #tell(run: Run, told: number): Promise<void> {
    const { leaves, stream, runs } = this.#ports;
    const count = run.steps.length + 1;
    for (let number = told; number < count; number += 1) {
      await enter(runLeaf(run, number), leaves);
      const news = runNews(run, number);
      if (news !== undefined) await stream.tell(news);
    }
    await runs.told(run.id, count);
  }
}

/** The change alone, of whoever leaves the telling to another: durable when it returns. Rejects with what `steps` throws, and with `not-found`. */
export function changeRun(
  runs: Pick<Runs, 'get' | 'append'>,
  id: string,
  steps: RunChange,
  now: () => Date,
): Promise<Run> {
  const many = 'too many sessions change this run at once';
  return addSteps(runs, id, (run: Run) => steps(run, now()), many);
}

/** A key that was used before stands for what was started then. */
function refuseAnother(stored: Run, started: Run): void {
  const essence = ({ workflow, inputs, trace }: Run): string => canonicalJson({ workflow, inputs, trace });
  // Who acts for somebody shares their keys, and starts another run all the same.
  if (essence(stored) === essence(started) && sameActors(stored.startedBy, started.startedBy)) return;
  throw new CustodyError('conflict', 'this idempotency key was used for another run', {
    hint: 'use a new key for a new run',
  });
}
