import type { Config } from '#core/access/config.ts';
import type { Question } from '#core/access/decide.ts';
import { type Explanation, explain, explainBeforehand } from '#core/access/explain.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import { personOf } from '#core/access/person.ts';
import type { AccessCatalog } from '#core/access/store.ts';
import { explanationQuery, explanationShape } from '../access/shapes.ts';
import { callerOf, contextOf } from '../caller.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';

export interface ExplanationPorts {
  readonly policy: () => Config;
  readonly requests: AccessCatalog;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** GET /v1/explanation: what would be decided about the caller. Which rules there are for others is not said. */
export function explanationHandler({ policy, requests, now, log }: ExplanationPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const [principal, at] = [callerOf(event), now()];
    const { action, target = '*', login } = queryOf(explanationQuery, event);
    const own = { caller: principal, policy: policy(), openAt: at, limit: 1_000 };
    const grants = await openRequestsOf(own, requests);
    const session = personOf(principal);
    const context = { ...contextOf(event), ...(login === undefined ? {} : { login }) };
    const { rules: _rules, ...answer } = answered({
      policy: own.policy,
      principal,
      action,
      target,
      session,
      context,
      grants,
      now: at,
    });
    return json(explanationShape, withoutSecrets(answer));
  });
}

function answered(question: Question): Explanation {
  return isConnect(question) ? explainBeforehand(question) : explain(question);
}

function isConnect(question: Question): question is Question<'connect'> {
  return question.action === 'connect';
}

/** A target that one may not know of and one that does not exist read the same (security case 14). */
function withoutSecrets<T extends { readonly verdict: string; readonly because: string }>(answer: T): T {
  return answer.verdict === 'denied' ? { ...answer, because: 'no rule allows it' } : answer;
}
