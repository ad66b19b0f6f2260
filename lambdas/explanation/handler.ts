import type { Config } from '#core/access/config.ts';
import type { Question } from '#core/access/decide.ts';
import { type Explanation, explain, explainBeforehand } from '#core/access/explain.ts';
import { openRequestsOf } from '#core/access/own-requests.ts';
import { personOf } from '#core/access/person.ts';
import { mayAdminister, requireAdminister } from '../access/visible.ts';
import { type Asking, askingOf } from '../asking.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { type ExplanationQuery, explanationQuery, explanationShape, somebodyElse } from './shapes.ts';
import { type SupposedPorts, supposedQuestion } from './supposed.ts';

export interface ExplanationPorts extends SupposedPorts {
  readonly policy: () => Config;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/**
 * GET /v1/explanation: what would be decided about the caller; for who administers about anybody, and rule by rule. Which rules there
 * are for others is said to nobody else.
 */
export function explanationHandler(ports: ExplanationPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    const query = queryOf(explanationQuery, event);
    const question = await questionOf(query, asking, ports);
    const answer = answered(question);
    if (mayAdminister(asking)) return json(explanationShape, { ...answer, who: whoOf(question) });
    const { rules: _rules, ...own } = answer;
    return json(explanationShape, withoutSecrets(own));
  });
}

async function questionOf(
  query: ExplanationQuery,
  asking: Asking,
  ports: ExplanationPorts,
): Promise<Question> {
  if (!isAboutOthers(query)) return ownQuestion(query, asking, ports);
  requireAdminister(asking);
  const { caller, policy, now } = asking;
  const as = query.as ?? caller.email ?? caller.subject;
  return supposedQuestion({ ...query, as }, policy, now, ports);
}

/** Or about oneself as one is not. */
function isAboutOthers(query: ExplanationQuery): boolean {
  return Object.keys(somebodyElse).some((name) => name in query);
}

async function ownQuestion(
  { action, target = '*', login }: ExplanationQuery,
  { caller: principal, policy, context, now }: Asking,
  { requests }: ExplanationPorts,
): Promise<Question> {
  const grants = await openRequestsOf({ caller: principal, policy, openAt: now, limit: 1_000 }, requests);
  const asked = { policy, principal, action, target, session: personOf(principal), grants, now };
  return { ...asked, context: { ...context, ...(login === undefined ? {} : { login }) } };
}

function answered(question: Question): Explanation {
  return isConnect(question) ? explainBeforehand(question) : explain(question);
}

function isConnect(question: Question): question is Question<'connect'> {
  return question.action === 'connect';
}

function whoOf({ principal, policy }: Question) {
  const { issuer, issuerName, subject, email, groups } = principal;
  const name = issuerName ?? policy.issuers.find((one) => one.issuer === issuer)?.name ?? issuer;
  return { issuer: name, subject, ...(email === undefined ? {} : { email }), groups };
}

/** A target that one may not know of and one that does not exist read the same (security case 14). */
function withoutSecrets<T extends { readonly verdict: string; readonly because: string }>(answer: T): T {
  return answer.verdict === 'denied' ? { ...answer, because: 'no rule allows it' } : answer;
}
