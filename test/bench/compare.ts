/** All workloads on all contenders, alternating, so that a slow minute hurts all alike. */
import type { Contender } from './contender.ts';
import { lastWords } from './last-words.ts';
import type { Measure } from './measure.ts';
import { transactions } from './pgbench-run.ts';
import { type Row, toRow } from './report.ts';
import { rotated } from './rotation.ts';
import { nobodyConnected } from './server.ts';
import type { Stage } from './stage.ts';
import type { Workload } from './workloads.ts';

/** Of each contender, before it is measured for the first time: code that has not run yet is slow. */
const WARM_UP = { flags: ['-S', '-M', 'prepared'], clients: 8, seconds: 4 };
/** What a run takes beside itself: fresh backends, seals, rest. */
const AROUND_S = 1.5;

export interface Plan {
  readonly stage: Stage;
  readonly workloads: readonly Workload[];
  readonly rounds: number;
  readonly log: (line: string) => void;
  /** Told all rows that are whole, after each workload: whatever happens then, they are there. */
  readonly soFar: (rows: readonly Row[]) => void;
}

export async function compare(plan: Plan): Promise<Row[]> {
  const rows: Row[] = [];
  const progress = new Progress(plan);
  let warm = false;
  for (const workload of plan.workloads) {
    if (workload.once !== true && !warm) {
      for (const contender of plan.stage.contenders) await warmUp(contender, plan);
      warm = true;
    }
    rows.push(...(await alternate(workload, plan, progress)));
    plan.soFar(rows);
  }
  return rows;
}

async function warmUp(contender: Contender, { stage, log }: Plan): Promise<void> {
  log(`warming up ${contender.name}`);
  await alone(contender, stage, () => transactions(contender, stage.database, WARM_UP));
}

async function alternate(workload: Workload, plan: Plan, progress: Progress): Promise<Row[]> {
  const able = ableTo(workload, plan.stage);
  const measures = new Map<string, Measure[]>(able.map(({ name }) => [name, []]));
  for (let round = 0; round < roundsOf(workload, plan); round += 1)
    for (const contender of rotated(able, round)) {
      const measure = await measured(workload, contender, plan);
      measures.get(contender.name)!.push(measure);
      progress.ran(
        workload,
        `round ${round + 1}: ${contender.name} ${measure.rate.toFixed(1)} ${workload.unit}`,
      );
    }
  return [...measures].map(([name, rounds]) => toRow(workload, name, rounds));
}

/** One run that fails is said, and has no figures: the others are worth having. */
async function measured(workload: Workload, contender: Contender, { stage, log }: Plan): Promise<Measure> {
  try {
    return await alone(contender, stage, () => workload.run(contender, stage));
  } catch (error) {
    log(`FAILED: ${String(error)}${contender.log === undefined ? '' : lastWords(contender.log)}`);
    return { rate: Number.NaN, cpu: Number.NaN, machineCpu: Number.NaN };
  }
}

/** With fresh backends, and nothing left over for whoever comes next. */
export async function alone<T>(contender: Contender, { direct }: Stage, run: () => Promise<T>): Promise<T> {
  await nobodyConnected(direct);
  const measure = await run();
  await contender.settled?.();
  await contender.letGo?.();
  return measure;
}

function ableTo({ clients }: Workload, { contenders }: Stage): Contender[] {
  return contenders.filter(({ most }) => most === undefined || clients <= most);
}

function roundsOf({ once }: Workload, { rounds }: Plan): number {
  return once === true ? 1 : rounds;
}

/** Says how far it is, and how long it may still take. */
class Progress {
  readonly #log: (line: string) => void;
  #left: number;

  constructor(plan: Plan) {
    this.#log = plan.log;
    this.#left = plan.workloads.reduce(
      (sum, workload) =>
        sum + roundsOf(workload, plan) * ableTo(workload, plan.stage).length * (workload.seconds + AROUND_S),
      0,
    );
    this.#log(`about ${Math.ceil(this.#left / 60)} minutes`);
  }

  ran({ name, seconds }: Workload, what: string): void {
    this.#left -= seconds + AROUND_S;
    this.#log(`${name} ${what} (about ${Math.ceil(this.#left / 60)} min left)`);
  }
}
