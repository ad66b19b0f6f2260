/** All that a session's calls are held to: its rule first, then the calls that were approved, or the contract of its task. */
import type { Authorization } from '#core/access/decide.ts';
import type { CustodyError } from '#core/errors.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import { ContractJudge } from './contract/contract-judge.ts';
import { ExactJudge } from './exact/exact-judge.ts';
import type { CallJudge, JudgedBody, Verdict } from './judge.ts';
import { judgeByRule } from './rules/rule-judge.ts';

export interface JudgeParts {
  /** Its id. */
  readonly session: string;
  readonly permission: Authorization<'connect'>;
  /** Makes a grant for exact calls this session's. */
  claim(): Promise<void>;
  readonly task: TaskSession | undefined;
  /** Into the recording, at its place. */
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** Ends the session. */
  end(reason: CloseReason, error: CustodyError): void;
}

export function judgeOf(parts: JudgeParts): CallJudge {
  const { permission, task } = parts;
  const { terms, grant } = permission;
  const { statements } = grant ?? {};
  const exact =
    statements &&
    new ExactJudge({ statements, claim: () => parts.claim(), note: (fact) => parts.note(fact) });
  const contract = task && new ContractJudge({ task, end: (reason, error) => parts.end(reason, error) });
  // Most sessions have neither: their calls wait for no promise.
  if (exact === undefined && contract === undefined) return { judge: (call) => judgeByRule(terms, call) };
  return {
    async judge(call, number) {
      const then = async (body?: JudgedBody): Promise<Verdict> => {
        const verdict = (await exact?.judge(call, body)) ?? PASSES;
        if (contract === undefined) return verdict;
        return after(verdict, body, (held) => contract.judge(call, number, held));
      };
      return after(judgeByRule(terms, call), undefined, then);
    },
    answered: (number, answer) => contract?.answered(number, answer),
  };
}

const PASSES: Verdict = { kind: 'passes' };

type Next = (body?: JudgedBody) => Verdict | Promise<Verdict>;

/** The next one is asked where this one lets it pass. A body that is there is not asked for again. */
async function after(verdict: Verdict, body: JudgedBody | undefined, next: Next): Promise<Verdict> {
  switch (verdict.kind) {
    case 'refused':
      return verdict;
    case 'passes': {
      const then = await next(body);
      return body !== undefined && then.kind === 'wants-body' ? then.judge(body) : then;
    }
    case 'wants-body':
      if (body !== undefined) return after(await verdict.judge(body), body, next);
      return { ...verdict, judge: async (held) => after(await verdict.judge(held), held, next) };
  }
}
