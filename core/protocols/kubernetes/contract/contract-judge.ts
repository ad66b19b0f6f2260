/** Keeps a session to the contract of its task: which calls go on, and what comes of them. */
import { asCustodyError, type CustodyError } from '#core/errors.ts';
import type { CloseReason } from '#core/recording/format.ts';
import { ContractWatch } from '#core/tasks/contract-watch.ts';
import { isReadable, type SeenCommand, type UnreadableCommand } from '#core/tasks/seen.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import type { Call } from '../call.ts';
import type { Answered, JudgedBody, Verdict } from '../judge.ts';
import { BODY_MAX_BYTES, isDiscovery } from '../rules/rule-judge.ts';
import { answerOf } from '../shapes/call-answer.ts';
import { seenCall } from '../shapes/call-shape.ts';

export interface ContractParts {
  readonly task: TaskSession;
  /** The session cannot go on. */
  end(reason: CloseReason, error: CustodyError): void;
}

interface Running {
  readonly command: number;
  readonly text: string;
  readonly startedMs: number;
}

export class ContractJudge {
  readonly #parts: ContractParts;
  readonly #watch: ContractWatch;
  readonly #running = new Map<number, Running>();
  /** Calls come at once, and how often each may be made is counted: they are looked at one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: ContractParts) {
    this.#parts = parts;
    this.#watch = new ContractWatch(parts.task.contract, parts.task.facts);
  }

  judge(call: Call, number: number, body?: JudgedBody): Verdict | Promise<Verdict> {
    if (isDiscovery(call)) return { kind: 'passes' };
    const seen = seenCall(call, body);
    if (seen === undefined)
      return { kind: 'wants-body', most: BODY_MAX_BYTES, judge: (held) => this.judge(call, number, held) };
    const verdict = this.#turn.then(() => this.#look(seen, number));
    this.#turn = verdict;
    return verdict;
  }

  /** The call is over. */
  answered(number: number, answered: Answered | undefined): void {
    const running = this.#running.get(number);
    if (running === undefined) return;
    this.#running.delete(number);
    const answer = answerOf(answered, this.#parts.task.elapsedMs() - running.startedMs);
    if (answer.outcome === 'failed') this.#watch.undone(running.command);
    void this.#tell(running, answer).catch((thrown: unknown) => this.#end(asCustodyError(thrown)));
  }

  async #look(seen: SeenCommand | UnreadableCommand, number: number): Promise<Verdict> {
    try {
      return await this.#judge(seen, number);
    } catch (thrown) {
      return { kind: 'refused', error: asCustodyError(thrown) };
    }
  }

  async #judge(seen: SeenCommand | UnreadableCommand, number: number): Promise<Verdict> {
    const { task } = this.#parts;
    let judged = this.#watch.judge(seen, task.elapsedMs());
    if (!judged.fits) {
      const outcome = await task.deviated(judged.deviation, { command: wholeText(seen), isAnswer: false });
      if (!outcome.goesOn) {
        if (outcome.ends) this.#end(outcome.error);
        return { kind: 'refused', error: outcome.error };
      }
      // What is too late is the call that it is all the same.
      if (judged.deviation.kind === 'too-late') judged = this.#watch.judge(seen, 0);
    }
    await task.begin();
    if (judged.command === undefined) return { kind: 'passes' };
    this.#watch.went(judged.command);
    this.#running.set(number, {
      command: judged.command,
      text: wholeText(seen),
      startedMs: task.elapsedMs(),
    });
    return { kind: 'passes' };
  }

  async #tell({ command, text }: Running, answer: ReturnType<typeof answerOf>): Promise<void> {
    for (const deviation of this.#watch.answered(command, answer)) {
      const outcome = await this.#parts.task.deviated(deviation, { command: text, isAnswer: true });
      if (!outcome.goesOn) return this.#end(outcome.error);
    }
  }

  #end(error: CustodyError): void {
    this.#parts.end(error.code === 'contract-deviation' ? 'deviated' : 'not-approved', error);
  }
}

/** With its values, as reviewers have to see it. */
function wholeText(seen: SeenCommand | UnreadableCommand): string {
  if (!isReadable(seen)) return seen.text;
  const values = seen.values.map((value) => ('list' in value ? '' : (value.text ?? '')));
  return seen.text.replaceAll(/\$(\d+)/g, (hole, number: string) => values[Number(number) - 1] ?? hole);
}
