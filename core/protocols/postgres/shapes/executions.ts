import { REPLAY_LIMITS, type ReplayLimits, type Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import type { Answering } from '#core/replay/postgres/tap.ts';
import { OF_ANSWERS } from '#core/tasks/answer-deviations.ts';
import { isReadable } from '#core/tasks/seen.ts';
import type { CommandShapes, SeenExecution, TakeParts } from '#core/tasks/shapes.ts';
import { harmless, mayCommit } from '../harmless.ts';
import { answerOf } from './execution-answer.ts';
import { type CommandSource, SeenCommands, unreadable } from './execution-commands.ts';
import { ExecutionTap, type Happened, type Heard, type TakeWireRow } from './execution-tap.ts';
import { rowReader } from './row-values.ts';
import { Undoing } from './undoing.ts';

/** Of one value: a longer one is not looked at. */
const VALUE_BYTES = 64 << 10;
const LIMITS: ReplayLimits = { ...REPLAY_LIMITS, rows: 0, value: VALUE_BYTES };

/**
 * The executions of recorded sessions, by the same reader of conversations as a replay: pipelines, prepared statements, portals,
 * COPY and errors are where they are there. `source`: of commands, as the path has it.
 */
export function postgresExecutions(source: CommandSource): CommandShapes['executions'] {
  return async function* executions(frames, take) {
    const reader = new ExecutionReader(source, take);
    for await (const step of postgresSteps(frames, LIMITS, () => undefined, reader.tap))
      yield* reader.upTo(step);
    yield* reader.finish();
  };
}

class ExecutionReader {
  readonly tap: ExecutionTap;
  readonly #commands: SeenCommands;
  readonly #take: TakeParts;
  readonly #undoing: Undoing;
  /** Of portals whose answer goes on: their number, and the rows that came. */
  readonly #suspended = new WeakMap<object, { readonly number: number; readonly rows: number }>();
  #given = 0;
  /** Notes said that the gateway let something not go on: anything, and a command. */
  #hasStopped = false;
  #refusedAt = -1;
  /** A note said that the session is over: what the client sends after it goes nowhere. */
  #stoppedAt = Infinity;

  constructor(source: CommandSource, take: TakeParts) {
    this.#commands = new SeenCommands(source);
    this.#take = take;
    this.#undoing = new Undoing(take);
    this.tap = new ExecutionTap((answering) => this.#rowsOf(answering));
  }

  *upTo(step: Step): Generator<SeenExecution> {
    for (const happened of this.tap.until(step)) yield* this.#happened(happened);
  }

  *finish(): Generator<SeenExecution> {
    for (const happened of this.tap.until()) yield* this.#happened(happened);
    this.#undoing.finish(this.#given);
  }

  *#happened(happened: Happened): Generator<SeenExecution> {
    if ('transaction' in happened) return this.#undoing.happened(happened.transaction, this.#given);
    const { step, heard } = happened;
    if (step.kind === 'note' && step.note !== undefined) this.#noted(step.note, step.at);
    else if (step.kind === 'damaged') yield* this.#give(damaged(step));
    else if (heard !== undefined && step.outcome !== 'empty') yield* this.#executed(step, heard);
  }

  *#executed(step: Step, heard: Heard): Generator<SeenExecution> {
    const { statement, part } = heard;
    // How the gateway ends a session behind a query that has failed is no answer to it.
    if (step.error?.severity === 'FATAL' && heard.isRefused && this.#commands.isBeyond(heard, part)) return;
    const seen = this.#commands.at(heard, part);
    const answer = answerOf(step, this.#isRefused(step, heard), heard);
    const { portal } = statement;
    const before = portal === undefined ? undefined : this.#suspended.get(portal);
    if (portal !== undefined && step.outcome === 'suspended')
      this.#suspended.set(portal, {
        number: before?.number ?? this.#given,
        rows: (before?.rows ?? 0) + (answer.rows ?? 0),
      });
    if (heard.copied !== undefined && isReadable(seen.command))
      this.#take.bytes?.(seen.command, 'copy', heard.copied.first);
    yield* this.#give({
      ...seen,
      at: step.at,
      answer: before === undefined ? answer : { ...answer, rows: before.rows + (answer.rows ?? 0) },
      ...(harmless(seen.command.text) === 'undo' && { undoes: true as const }),
      ...(mayCommit(seen) && { commits: true as const }),
      ...(step.kind === 'copy-in' && { takes: 'copy' as const }),
      ...(step.outcome === 'suspended' && { hasMore: true as const }),
      ...(before !== undefined && { goesOnWith: before.number }),
    });
    if (step.outcome === 'failed') yield* this.#notReached(step, heard);
  }

  /** A query stops at the first of its commands that fails: those behind it never ran. */
  *#notReached(step: Step, heard: Heard): Generator<SeenExecution> {
    if (heard.statement.kind !== 'query') return;
    const outcome = this.#isRefused(step, heard) ? ('refused' as const) : ('skipped' as const);
    for (const seen of this.#commands.after(heard, heard.part))
      yield* this.#give({ ...seen, at: step.at, answer: { outcome, tookMs: 0 } });
  }

  #noted(note: Readonly<Record<string, unknown>>, at: number): void {
    if (note['note'] === 'task-deviation' && (note['how'] === 'stopped' || note['how'] === 'denied')) {
      this.#hasStopped = true;
      if (note['how'] === 'stopped') this.#stoppedAt = Math.min(this.#stoppedAt, at);
      if (!OF_ANSWERS.has(note['kind'])) this.#refusedAt = at;
    }
    this.#take.note?.(note, at);
  }

  /**
   * Where the gateway ended the session, a note says that it was because of this command; it may have ended while it ran. What waits
   * behind such a one never goes on.
   */
  #isRefused({ at, error, outcome }: Step, { isRefused, statement }: Heard): boolean {
    if (outcome === 'unfinished' && at > this.#stoppedAt) return true;
    if (!isRefused) return false;
    if (outcome === 'unfinished') return this.#hasStopped && !statement.isReached;
    return error?.severity !== 'FATAL' || this.#refusedAt >= at;
  }

  *#give(execution: SeenExecution): Generator<SeenExecution> {
    yield execution;
    this.#given += 1;
  }

  #rowsOf(answering: Answering): TakeWireRow | undefined {
    if (this.#take.rows === undefined) return undefined;
    const { command } = this.#commands.at(answering, answering.part);
    if (!isReadable(command)) return undefined;
    const described = answering.answer.described ?? [];
    const names = described.map(({ name }) => answering.texts.shownNow(name, VALUE_BYTES).text);
    const take = this.#take.rows(command, names);
    return take && rowReader(take, described, answering.texts, VALUE_BYTES);
  }
}

/** What is damaged may have been a command. */
function damaged({ at, text = '' }: Step): SeenExecution {
  return { ...unreadable('', `is damaged: ${text}`), at, answer: { outcome: 'unfinished', tookMs: 0 } };
}
