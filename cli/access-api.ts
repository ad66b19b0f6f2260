/** Requests, decisions and grants, as far as the CLI uses the API for them. */
import { z } from 'zod';
import { requestStates } from '#core/access/request.ts';
import { type Api, getJson, postJson } from './api.ts';
import { count, person, text } from './api-shapes.ts';
import { type Pages, type Paging, pagesOf, searchOf } from './paging.ts';

const long = z.string().max(70_000);

const requestSchema = z.object({
  id: z.uuid().lowercase(),
  state: z.enum(requestStates),
  digest: text,
  requester: person,
  target: text,
  rule: text,
  reason: text.optional(),
  ticket: text.optional(),
  durationSeconds: count,
  statements: z.array(z.object({ sha256: text, text: long })).optional(),
  run: z.object({ id: text, workflow: text, workflowDigest: text, task: text.optional() }).optional(),
  deviation: z
    .object({
      run: text,
      workflow: text,
      workflowDigest: text,
      task: text,
      session: text,
      command: z.object({ sha256: text, text: long }),
      kind: text,
      of: text.optional(),
      expected: long,
      seen: long,
      isAnswer: z.boolean(),
    })
    .optional(),
  contracts: z.record(text, z.record(text, z.unknown())).optional(),
  breakGlass: z.boolean(),
  createdAt: text,
  pendingUntil: text,
  needs: z
    .object({ approvals: count, any: z.array(text).optional(), all: z.array(text).optional() })
    .optional(),
  decisions: z.array(z.object({ decision: text, by: person, at: text, comment: text.optional() })),
  grant: z
    .object({
      from: text,
      until: text,
      ended: z.object({ how: text, at: text, by: person, comment: text.optional() }).optional(),
      usedBy: text.optional(),
    })
    .optional(),
  needsReview: z.boolean(),
  review: z.object({ verdict: text, by: person, at: text, comment: text.optional() }).optional(),
  mayDecide: z.boolean(),
});
export type AccessRequest = z.infer<typeof requestSchema>;

const pageSchema = z.object({ requests: z.array(requestSchema), next: text.optional() });
const terminationSchema = z.object({ session: text, by: person, at: text, reason: text.optional() });
const explanationSchema = z.object({
  verdict: z.enum(['allowed', 'requestable', 'denied']),
  action: text,
  target: text,
  policy: text,
  because: text,
  hint: text.optional(),
  passes: z.array(text).optional(),
});

/** What is asked for; see the API's own description of each. */
export interface AskBody {
  readonly target: string;
  readonly reason?: string;
  readonly ticket?: string;
  readonly durationSeconds?: number;
  readonly statements?: readonly string[];
  readonly breakGlass?: boolean;
  readonly rule?: string;
  readonly run?: string;
  readonly task?: string;
}

/** `key`: the same key makes one request, however often it is sent. */
export function createRequest(api: Api, body: AskBody, key: string): Promise<AccessRequest> {
  return postJson(api, '/v1/requests', requestSchema, body, { 'idempotency-key': key });
}

export function getRequest(api: Api, id: string): Promise<AccessRequest> {
  return getJson(api, `/v1/requests/${encodeURIComponent(id)}`, requestSchema);
}

export type StepPath = 'decisions' | 'return' | 'review' | 'revocation';

/** Adds a step to a request or its grant; the request as it is then. */
export function stepRequest(api: Api, id: string, step: StepPath, body: object): Promise<AccessRequest> {
  const of = step === 'revocation' ? 'grants' : 'requests';
  return postJson(api, `/v1/${of}/${encodeURIComponent(id)}/${step}`, requestSchema, body);
}

/** Which requests. */
export interface RequestFilter {
  readonly target?: string | undefined;
  readonly run?: string | undefined;
  readonly state?: string | undefined;
  readonly open?: true | undefined;
}

/** Newest first. */
export function requestPages(
  api: Api,
  { open, ...filter }: RequestFilter,
  paging: Paging,
): Pages<AccessRequest> {
  return pagesOf(paging, async (page) => {
    const path = `/v1/requests?${searchOf({ ...page, ...filter, open: open && 'true' })}`;
    const { requests, next } = await getJson(api, path, pageSchema);
    return { items: requests, next };
  });
}

export function terminateSession(api: Api, id: string, reason: string | undefined) {
  const body = reason === undefined ? {} : { reason };
  return postJson(api, `/v1/sessions/${encodeURIComponent(id)}/termination`, terminationSchema, body);
}

export function getExplanation(
  api: Api,
  action: string,
  target: string | undefined,
  login: string | undefined,
) {
  const named = { ...(target === undefined ? {} : { target }), ...(login === undefined ? {} : { login }) };
  const search = new URLSearchParams({ action, ...named });
  return getJson(api, `/v1/explanation?${search.toString()}`, explanationSchema);
}
