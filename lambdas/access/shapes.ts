/** What the access API takes and answers. */
import { z } from 'zod';
import { NAME } from '#core/access/names.ts';
import { requestStates } from '#core/access/request.ts';
import { askWords, words } from '#core/access/words.ts';
import { deviationKinds } from '#core/tasks/deviation.ts';
import { count, PAGE_MAX, person, sessionId, targetName, time } from '../shapes.ts';

/** A request's id, and that of the grant that may come of it: UUID version 7, lower case. */
export const requestId = z
  .uuid()
  .lowercase()
  .meta({ description: 'assigned by Custody', example: '019aaf35-2a80-7b61-8e21-1f6a7c1d2e3f' });

const STATEMENTS_MAX = 100;
const WEEKS_S = 30 * 86_400;
const ruleName = z.string().regex(new RegExp(`^${NAME}$`));

export const requestBody = z.strictObject({
  target: targetName,
  ...askWords.shape,
  durationSeconds: z
    .int()
    .min(1)
    .max(WEEKS_S)
    .optional()
    .meta({ description: 'from the approval on; the longest that the rule gives when absent' }),
  statements: z.array(z.string().min(1).max(65_536)).min(1).max(STATEMENTS_MAX).optional().meta({
    description:
      'the exact commands: the grant is for one session that runs these and no others, each once; it is used when the first of them is about to run',
  }),
  breakGlass: z
    .boolean()
    .default(false)
    .meta({ description: 'at once, without approval; alarms, and is reviewed afterwards' }),
  run: sessionId
    .optional()
    .meta({ description: 'a run of a workflow: the grant is for sessions of it alone' }),
  task: z
    .string()
    .regex(new RegExp(`^${NAME}$`))
    .optional()
    .meta({ description: 'with run: only for those that are this task' }),
  rule: ruleName.optional().meta({ description: 'where there is more than one rule to ask by' }),
});

export const requestsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: requestId.optional().meta({ description: 'the `next` of the page before' }),
  target: targetName.optional(),
  person: z
    .string()
    .min(1)
    .max(320)
    .optional()
    .meta({ description: 'whose: a subject or an e-mail address', example: 'dana@example.com' }),
  run: sessionId.optional().meta({
    description:
      'for sessions of one run of a workflow, or of what a session of it asked outside its contract',
  }),
  state: z.enum(requestStates).optional(),
  open: z
    .enum(['true'])
    .optional()
    .meta({ description: 'only what still matters: pending, granted, or to be reviewed' }),
});

export const grantsQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: requestId.optional().meta({ description: 'the `next` of the page before' }),
  target: targetName.optional(),
});

export const decisionBody = z.strictObject({
  decision: z.enum(['approved', 'denied']),
  comment: words.optional(),
});
export const reviewBody = z.strictObject({
  verdict: z.enum(['justified', 'unjustified']),
  comment: words.optional(),
});
export const revocationBody = z.strictObject({ comment: words.optional() });
export const nothingBody = z.strictObject({});

const comment = z.string().optional();

const grantPart = {
  from: time,
  until: time,
  ended: z
    .object({ how: z.enum(['returned', 'revoked']), at: time, by: person, comment })
    .optional()
    .meta({ description: 'before its time' }),
  usedBy: sessionId.optional().meta({ description: 'the session of a grant for one session' }),
};

const digest = z.string();
const ofWorkflow = {
  workflow: z.string(),
  workflowDigest: digest.meta({ description: 'what the run is under: SHA-256 of the declaration' }),
};

const runShape = z
  .object({ id: z.string(), ...ofWorkflow, task: z.string().optional() })
  .meta({ description: 'the grant is for sessions of this run alone, and of this task where one is named' });

const deviationShape = z
  .object({
    run: z.string(),
    ...ofWorkflow,
    task: z.string(),
    session: sessionId.meta({ description: 'the one that waits' }),
    command: z.object({ sha256: digest, text: z.string() }).meta({ description: 'the whole of it' }),
    kind: z.enum(deviationKinds),
    of: z.string().optional().meta({ description: "the contract's command that it comes nearest to" }),
    expected: z.string().meta({ description: 'what the contract has' }),
    seen: z.string(),
    isAnswer: z.boolean().meta({
      description: 'it has run: whether the session goes on is what is asked',
    }),
  })
  .meta({
    description:
      'a command that waits, as its contract does not have it: the grant is for this command in this session, once',
  });

export const requestShape = z
  .object({
    id: requestId,
    state: z.enum(requestStates),
    digest: z.string().meta({ description: 'SHA-256 of what is asked for: the ledger names it' }),
    requester: person,
    target: z.string(),
    protocol: z.string().optional().meta({ description: 'of the target, while there is one' }),
    rule: z.string(),
    policy: z.string().meta({ description: 'the version of the configuration it was asked under' }),
    reason: z.string().optional(),
    ticket: z.string().optional(),
    durationSeconds: count,
    statements: z
      .array(z.object({ sha256: z.string(), text: z.string() }))
      .readonly()
      .optional(),
    run: runShape.optional(),
    deviation: deviationShape.optional(),
    contracts: z.record(z.string(), z.record(z.string(), z.unknown())).optional().meta({
      description:
        'of one request with run or deviation: the tasks it is about, as custody.yaml declares them, while it has the workflow as the run is under it',
    }),
    breakGlass: z.boolean(),
    createdAt: time,
    pendingUntil: time,
    needs: z
      .object({
        approvals: count,
        any: z.array(z.string()).optional(),
        all: z
          .array(z.string())
          .optional()
          .meta({ description: 'so many people of each, nobody counted twice' }),
      })
      .optional()
      .meta({ description: 'what the rule asks for now; of a deviation, what the contract does' }),
    decisions: z
      .array(
        z.object({
          decision: z.enum(['approved', 'denied']),
          by: person,
          at: time,
          groups: z.array(z.string()).readonly(),
          comment,
        }),
      )
      .readonly(),
    withdrawnAt: time.optional(),
    grant: z.object(grantPart).optional(),
    needsReview: z.boolean().meta({ description: 'a broken glass that nobody has looked at' }),
    review: z
      .object({ verdict: z.enum(['justified', 'unjustified']), by: person, at: time, comment })
      .optional(),
    mayDecide: z.boolean().meta({ description: 'true where the caller is a reviewer of it' }),
  })
  .meta({ id: 'AccessRequest' });

export const requestPageShape = z
  .object({ requests: z.array(requestShape).readonly(), next: requestId.optional() })
  .meta({ id: 'AccessRequestPage' });

export const grantShape = z
  .object({
    id: requestId,
    state: z.enum(['granted', 'used', 'ended', 'returned', 'revoked']),
    requester: person,
    target: z.string(),
    rule: z.string(),
    breakGlass: z.boolean(),
    ...grantPart,
  })
  .meta({ id: 'Grant', description: 'goes by the id of its request' });

export const grantPageShape = z
  .object({ grants: z.array(grantShape).readonly(), next: requestId.optional() })
  .meta({ id: 'GrantPage' });
