import type { Contract } from '../contract.ts';
import { ContractWatch, type Judgement } from '../contract-watch.ts';
import type { Deviation, DeviationKind } from '../deviation.ts';
import { inputDeviation } from '../input-deviations.ts';
import { isReadable, type SeenAnswer, type SeenBytes } from '../seen.ts';
import { settingDeviation } from '../setting-deviations.ts';
import type { SeenExecution, TakeParts } from '../shapes.ts';
import type { OutputDigests } from '../store.ts';
import type { ValueFacts } from '../values.ts';
import { GivenInputs } from './given-inputs.ts';
import { LineageCounts } from './lineage.ts';
import type { CommandResult, Lineage, ResultInput, ResultOutput } from './result.ts';
import { TaskOutputs } from './task-outputs.ts';
import { UndoLog } from './undo-log.ts';

/** What a result lists at most; the rest is counted. */
export const COMMANDS_MAX = 1000;
export const DEVIATIONS_MAX = 1000;

/**
 * A recording has the times at which the gateway saw messages, which are not quite those at which it judged them: only what is beyond
 * by more than this is too late, or slow, without a note that says so.
 */
const TASK_LEEWAY_MS = 10_000;
const ANSWER_LEEWAY_MS = 1000;

export interface FoundDeviation extends Deviation {
  readonly at: number;
}

/** An execution of a command of the contract. */
interface Ran {
  readonly command: number;
  /** What was said of its answer. */
  readonly told: Set<DeviationKind>;
}

/** A recorded session under a contract: what `ContractWatch` says of it, and what it put out. Whoever reads the session hands it what it gives. */
export class ContractReading {
  readonly deviations: FoundDeviation[] = [];
  deviationsOmitted = 0;
  readonly commands: CommandResult[] = [];
  commandsOmitted = 0;
  readonly #contract: Contract;
  readonly #facts: ValueFacts;
  readonly #watch: ContractWatch;
  readonly #outputs: TaskOutputs;
  readonly #lineage: LineageCounts;
  readonly #inputs: GivenInputs;
  readonly #undo = new UndoLog();
  /** Of portals whose answer goes on. */
  readonly #going = new Map<number, Ran>();
  #number = 0;
  #firstAt: number | undefined;
  /** When the answer before was complete, or reviewers had decided. */
  #freeAt = 0;

  /** `taken`: the columns of its outputs, as `output.column`, that other tasks take values from. */
  constructor(contract: Contract, facts: ValueFacts, taken: ReadonlySet<string> = new Set()) {
    this.#contract = contract;
    this.#facts = facts;
    this.#watch = new ContractWatch(contract, facts);
    this.#outputs = new TaskOutputs(contract, facts.digests, taken);
    this.#lineage = new LineageCounts(contract, facts);
    this.#inputs = new GivenInputs(contract, facts);
  }

  /** What is taken of the executions while they are read. `noted`: is told of notes besides. */
  parts(noted?: TakeParts['note']): TakeParts {
    return {
      rows: (command, columns) => this.#outputs.rows(command, columns),
      bytes: (command, _stream, first) => this.#outputs.bytes(command, first),
      undone: (from) => this.#undone(from),
      settled: () => this.#settled(),
      note: (note, at) => {
        this.#freeAt = Math.max(this.#freeAt, at);
        noted?.(note, at);
      },
    };
  }

  /** Returns which command of the contract it was, by its index, where it was one. */
  take(execution: SeenExecution): number | undefined {
    const { command, at, answer, goesOnWith } = execution;
    this.#firstAt ??= at;
    const ran = goesOnWith === undefined ? this.#begun(execution) : this.#going.get(goesOnWith);
    if (ran !== undefined) {
      this.#answered(ran, execution);
      if (execution.hasMore) this.#going.set(goesOnWith ?? this.#number, ran);
    }
    if (isReadable(command)) this.#outputs.over(command);
    this.#list(execution, ran?.command);
    this.#freeAt = Math.max(this.#freeAt, at + answer.tookMs * 1000);
    this.#number += 1;
    return ran?.command;
  }

  /** Nothing more comes; `at`: when the recording ended. */
  finish(at: number): void {
    for (const deviation of [...this.#watch.missing(), ...this.#outputs.missing()])
      this.#deviates(deviation, at);
  }

  results(sessionOf: (origin: string) => string | undefined): {
    readonly lineage: readonly Lineage[];
    readonly inputs: readonly ResultInput[];
    readonly outputs: readonly ResultOutput[];
  } {
    return {
      lineage: this.#lineage.results(sessionOf),
      inputs: this.#inputs.results(sessionOf),
      outputs: this.#outputs.results(),
    };
  }

  outputDigests(): OutputDigests {
    return this.#outputs.digests();
  }

  #begun(execution: SeenExecution): Ran | undefined {
    const command = this.#judged(execution);
    return command === undefined ? undefined : { command, told: new Set() };
  }

  /** Which command of the contract it was, where it counts as one. Nothing is said of what never ran: the path has said it. */
  #judged(execution: SeenExecution): number | undefined {
    const { at, answer, sets } = execution;
    if (answer.outcome === 'refused' || answer.outcome === 'skipped') return undefined;
    if (this.isBeside(execution)) return undefined;
    if (sets !== undefined && this.#contract.settings.has(sets.setting.toLowerCase())) {
      this.#deviatesIf(settingDeviation(this.#contract, sets, this.#facts), at);
      return undefined;
    }
    const { command } = this.#judge(execution);
    if (command === undefined) return undefined;
    this.#watch.went(command);
    this.#undo.add(this.#number, () => this.#watch.undone(command));
    return command;
  }

  /** It passes beside the contract. */
  isBeside({ beside, undoes }: SeenExecution): boolean {
    return undoes === true || (beside !== undefined && this.#contract.declared.allow.includes(beside));
  }

  #judge({ command, at, sets }: SeenExecution): Judgement {
    const sinceMs = Math.max(0, (at - this.#firstAt!) / 1000 - TASK_LEEWAY_MS);
    let judgement = this.#watch.judge(command, sinceMs);
    if (!judgement.fits && judgement.deviation.kind === 'too-late') {
      this.#deviates(judgement.deviation, at);
      judgement = this.#watch.judge(command, 0);
    }
    if (judgement.fits) return judgement;
    if (judgement.command === undefined && sets !== undefined)
      this.#deviatesIf(settingDeviation(this.#contract, sets, this.#facts), at);
    else this.#deviates(judgement.deviation, at);
    return judgement;
  }

  #answered({ command: did, told }: Ran, execution: SeenExecution): void {
    const { command, at, answer, hasMore, takes, commits } = execution;
    const timed = { ...answer, tookMs: this.#tookMs(at, answer) };
    for (const deviation of this.#watch.answered(did, timed, hasMore !== true)) {
      if (!told.has(deviation.kind)) this.#deviates(deviation, at);
      told.add(deviation.kind);
    }
    if (answer.outcome === 'unfinished' && told.size === 0) this.#unfinished(did, at);
    if (answer.outcome !== 'completed') return commits ? undefined : this.#undo.undo(this.#number);
    if (isReadable(command)) {
      for (const takeBack of this.#outputs.count(command, did, answer))
        this.#undo.add(this.#number, takeBack);
      this.#lineage.count(command, did, this.#number, this.#undo);
    }
    if (takes !== undefined) this.#given(did, at, takes, answer.streams?.[takes]);
  }

  /** It reached the target, and the session was over before its answer: the command may have run, and counts as none that did. */
  #unfinished(did: number, at: number): void {
    const { name: command, answers } = this.#contract.commands[did]!.declared;
    if (answers.error === 'any') return;
    const seen = 'the session was over before its answer: whether it ran is not known';
    this.#deviates({ kind: 'error', command, expected: `${command} without an error`, seen }, at);
  }

  #given(did: number, at: number, stream: NonNullable<SeenExecution['takes']>, bytes?: SeenBytes): void {
    if (bytes === undefined) return;
    this.#deviatesIf(inputDeviation(this.#contract, did, stream, bytes, this.#facts), at);
    const takeBack = this.#inputs.given(did, stream, bytes);
    if (takeBack !== undefined) this.#undo.add(this.#number, takeBack);
  }

  /** What it took of the target alone: not while it waited for those before it, or for reviewers. */
  #tookMs(at: number, { tookMs }: SeenAnswer): number {
    const end = at + tookMs * 1000;
    return Math.max(0, (end - Math.max(at, this.#freeAt)) / 1000 - ANSWER_LEEWAY_MS);
  }

  #undone(from: number): void {
    this.#undo.undo(from);
    for (let at = from; at < this.commands.length; at++)
      if (this.commands[at]!.outcome === 'completed')
        this.commands[at] = { ...this.commands[at]!, undone: true };
  }

  #settled(): void {
    this.#undo.settle();
    this.#going.clear();
  }

  #deviatesIf(deviation: Deviation | undefined, at: number): void {
    if (deviation !== undefined) this.#deviates(deviation, at);
  }

  #deviates(deviation: Deviation, at: number): void {
    if (this.deviations.length < DEVIATIONS_MAX) this.deviations.push({ ...deviation, at });
    else this.deviationsOmitted += 1;
  }

  #list({ command, at, answer }: SeenExecution, did: number | undefined): void {
    if (this.commands.length >= COMMANDS_MAX) {
      this.commandsOmitted += 1;
      return;
    }
    const { outcome, rows, affected, tookMs } = answer;
    const { name } = did === undefined ? {} : this.#contract.commands[did]!.declared;
    this.commands.push({
      ...(name !== undefined && { command: name }),
      ...(isReadable(command) && { shape: command.shape }),
      at,
      tookMs,
      outcome,
      ...(rows !== undefined && { rows }),
      ...(affected !== undefined && { affected }),
      ...(isReadable(command) && command.trace !== undefined && { trace: command.trace }),
    });
  }
}
