import type { Run, RunStepOf } from '../run.ts';
import { RUN_FILE } from '../run-folder.ts';
import type { DeclaredTask, DeclaredWorkflow } from '../schema.ts';
import type { RunReport } from './report.ts';

/** Checks that a run's steps could have happened as they stand: each in its turn, by what came before it. */
export function checkSteps(run: Run, { tasks }: Pick<DeclaredWorkflow, 'tasks'>, report: RunReport): void {
  const walk = new StepWalk(run, tasks, report);
  for (const step of run.steps) {
    if (step.kind === 'task-started') walk.started(step);
    else if (step.kind === 'task-ended') walk.ended(step);
    else if (step.kind === 'ended') walk.over();
  }
}

class StepWalk {
  readonly #run: Run;
  readonly #tasks: DeclaredWorkflow['tasks'];
  readonly #report: RunReport;
  /** The task of each session that began, and those that ended. */
  readonly #began = new Map<string, string>();
  readonly #ended = new Set<string>();
  readonly #kept = new Set<string>();
  #isOver = false;

  constructor(run: Run, tasks: DeclaredWorkflow['tasks'], report: RunReport) {
    this.#run = run;
    this.#tasks = tasks;
    this.#report = report;
  }

  started({ task, session, at }: RunStepOf<'task-started'>): void {
    const declared = Object.hasOwn(this.#tasks, task) ? this.#tasks[task] : undefined;
    if (this.#began.has(session)) this.#find('step-impossible', 'began twice', session);
    if (this.#isOver) this.#find('step-impossible', `began ${task} after the run was ended`, session);
    if (!(Date.parse(at) < Date.parse(this.#run.until)))
      this.#find(
        'began-too-late',
        `began ${task} at ${at}, and the run's time was over at ${this.#run.until}`,
        session,
      );
    if (declared === undefined)
      this.#find('task-unknown', `began ${task}, which the workflow does not have`, session);
    else this.#startedInTurn(task, session, declared);
    this.#began.set(session, task);
  }

  #startedInTurn(task: string, session: string, { after, runs }: DeclaredTask): void {
    const before = [...this.#began.values()].filter((one) => one === task).length;
    if (before >= runs)
      this.#find('ran-too-often', `is execution ${before + 1} of ${task}, which may have ${runs}`, session);
    const early = after.find((one) => !this.#kept.has(one));
    if (early !== undefined)
      this.#find('began-too-early', `began ${task} before ${early} had kept its contract`, session);
  }

  ended({ task, session, verdict }: RunStepOf<'task-ended'>): void {
    if (this.#began.get(session) !== task)
      this.#find('step-impossible', `ended ${task}, which it had not begun`, session);
    if (this.#ended.has(session)) this.#find('step-impossible', 'ended twice', session);
    this.#ended.add(session);
    if (verdict === 'kept') this.#kept.add(task);
  }

  over(): void {
    if (this.#isOver) this.#report('step-impossible', RUN_FILE, `${RUN_FILE} has the run's end twice`);
    this.#isOver = true;
  }

  #find(code: Parameters<RunReport>[0], what: string, session: string): void {
    this.#report(code, RUN_FILE, `session ${session} ${what}`, session);
  }
}
