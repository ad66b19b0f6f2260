/** Who wants to hear of refused calls does: of a session's first, and then no more often than it can be read. */
import { type NewsStream, refusedNews } from '#core/access/news.ts';
import type { ErrorCode } from '#core/errors.ts';
import type { Call } from '#core/protocols/kubernetes/call.ts';
import { callWords } from '#core/protocols/kubernetes/call-words.ts';
import type { CallJudge, JudgedBody, Verdict } from '#core/protocols/kubernetes/judge.ts';
import type { JudgeParts } from './options.ts';

/** A client that lists what it may not, as some do by themselves, is no flood of news. */
const QUIET_MS = 10 * 60_000;

/** What somebody may not do. What left a contract is told of as such, and what had no one reading is in the log. */
const TOLD: ReadonlySet<ErrorCode> = new Set(['access-denied', 'not-approved']);

export interface TellingPorts {
  readonly stream: NewsStream;
  readonly wallClock: () => Date;
}

/** The same judge, of whose refusals is told. */
export function tellingRefusals(judge: CallJudge, parts: JudgeParts, ports: TellingPorts): CallJudge {
  const refusals = new Refusals(parts, ports);
  const heard = (call: Call, verdict: Verdict): Verdict => {
    if (verdict.kind === 'refused' && TOLD.has(verdict.error.code)) refusals.one(call, verdict.error.code);
    if (verdict.kind !== 'wants-body') return verdict;
    return { ...verdict, judge: async (body: JudgedBody) => heard(call, await verdict.judge(body)) };
  };
  return {
    judge: async (call, number) => heard(call, await judge.judge(call, number)),
    answered: (number, answer) => judge.answered?.(number, answer),
  };
}

class Refusals {
  readonly #parts: JudgeParts;
  readonly #ports: TellingPorts;
  #refused = 0;
  #toldAt: number | undefined;

  constructor(parts: JudgeParts, ports: TellingPorts) {
    this.#parts = parts;
    this.#ports = ports;
  }

  one(call: Call, code: ErrorCode): void {
    this.#refused += 1;
    const now = this.#ports.wallClock();
    if (this.#toldAt !== undefined && now.getTime() - this.#toldAt < QUIET_MS) return;
    this.#toldAt = now.getTime();
    const { session, permission } = this.#parts;
    const { principal: requester, target, rule } = permission;
    const about = {
      session,
      target: target.name,
      rule,
      requester,
      code,
      refused: this.#refused,
      call: callWords(call),
    };
    // Nobody waits for webhooks; where they cannot be told now, the next refusal tells.
    this.#ports.stream.tell(refusedNews(about, now)).catch(() => {
      this.#toldAt = undefined;
    });
  }
}
