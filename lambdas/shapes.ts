/** What the API takes and answers: the same schemas check queries, shape answers and make the OpenAPI document. */
import { z } from 'zod';
import { NAME } from '#core/access/names.ts';
import { words } from '#core/access/words.ts';
import { closeReasons } from '#core/recording/format.ts';

export const PAGE_MAX = 200;
/** 10 000 segments of 8 MiB are 84 GB of recording, and about 3 MB of listing. */
const OBJECTS_MAX = 10_000;

export const count = z.int().min(0);
export const time = z.iso.datetime().meta({ example: '2026-11-23T09:00:00.000Z' });
export const targetName = z
  .string()
  .regex(new RegExp(`^${NAME}$`))
  .meta({ example: 'orders-db' });

const account = z.object({ issuer: z.string(), subject: z.string() });

export const person = z.object({
  ...account.shape,
  email: z.string().optional(),
  actors: z.array(account).readonly().optional().meta({
    description: 'who acted for them, the one that did first (RFC 8693); absent where they acted themselves',
  }),
});

/** A session's id, assigned by the gateway: UUID version 7, lower case. */
export const sessionId = z
  .uuid()
  .lowercase()
  .meta({ description: 'assigned by the gateway', example: '019aaf3e-6d1c-7a61-9f43-0b9a7c1d2e3f' });

/** Where there is nothing to ask for. */
export const noQuery = z.strictObject({});

const rangeTime = z.iso.datetime({ offset: true }).meta({ example: '2026-11-23T10:00:00+01:00' });

export const sessionsQuery = z.strictObject({
  state: z
    .enum(['open', 'waiting'])
    .optional()
    .meta({ description: 'open: not over; waiting: of those, the ones that wait for somebody to watch' }),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  cursor: sessionId.optional().meta({ description: 'the `next` of the page before' }),
  target: targetName.optional(),
  person: z
    .string()
    .min(1)
    .max(320)
    .optional()
    .meta({ description: 'whose: a subject or an e-mail address', example: 'dana@example.com' }),
  run: z.uuid().lowercase().optional().meta({ description: 'of one run of a workflow' }),
  since: rangeTime.optional().meta({ description: 'that began then or later' }),
  until: rangeTime.optional().meta({ description: 'that began before' }),
});

export const evidenceQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(OBJECTS_MAX).default(OBJECTS_MAX),
  cursor: z.string().max(255).optional().meta({ description: 'the `next` of the page before' }),
  purpose: z.enum(['replay', 'export', 'rerun']).default('replay').meta({
    description:
      'to look at it now, to keep it, or to run it again: what the ledger will say, if the rules allow it',
  }),
});

const outcome = z.object({
  endedAt: time,
  reason: z.enum(closeReasons),
  recovered: z.boolean().meta({ description: 'sealed from the journal after its gateway died' }),
  segments: count,
  frames: count,
  bytes: count,
});

export const sessionShape = z
  .object({
    id: sessionId,
    state: z.enum(['open', 'closed', 'recovered']),
    startedAt: time,
    principal: person,
    target: z.string(),
    protocol: z.string(),
    login: z.string().optional().meta({ description: 'at the target, where the client chose one' }),
    rule: z.string().meta({ description: 'the access rule that allowed it' }),
    grant: z
      .string()
      .optional()
      .meta({ description: 'the request whose grant it rests on, where the rule needs one' }),
    task: z.string().meta({ description: 'the gateway task that holds it' }),
    run: z
      .object({ id: z.string(), workflow: z.string(), task: z.string() })
      .optional()
      .meta({ description: 'where it is a task of a run of a workflow' }),
    client: z.object({ address: z.string(), application: z.string().optional() }),
    outcome: outcome.optional(),
  })
  .meta({ id: 'Session' });

export const sessionPageShape = z
  .object({
    sessions: z.array(sessionShape).readonly(),
    next: sessionId.optional().meta({
      description:
        'the cursor of what is older; a page may hold less than `limit`, or nothing, and still go on',
    }),
  })
  .meta({ id: 'SessionPage' });

export const evidenceShape = z
  .object({
    session: sessionId,
    objects: z
      .array(
        z.object({
          name: z.string().meta({ example: '00000000.seg' }),
          size: count.meta({ description: 'in bytes' }),
          url: z.url().meta({ description: 'gives the bytes for about a minute, without a token' }),
        }),
      )
      .readonly(),
    next: z.string().optional(),
  })
  .meta({ id: 'Evidence' });

export const targetsShape = z
  .object({
    targets: z
      .array(
        z.object({
          name: targetName,
          protocol: z.string(),
          host: z.string().meta({ description: "the gateway's" }),
          port: z.int().min(1).max(65_535).meta({ description: "the gateway's" }),
          database: z.string().optional().meta({ description: 'the name that a client of a database gives' }),
          logins: z
            .array(z.string())
            .readonly()
            .optional()
            .meta({ description: 'of those at the target, the ones that you may use or ask for' }),
          caPem: z.string().optional().meta({ description: 'what to verify the gateway with' }),
          connectSeconds: count.meta({
            description:
              'how long connecting can take when all is well, approvals that a client waits for included',
          }),
          access: z.enum(['standing', 'granted', 'requestable', 'task']).meta({
            description:
              'whether you may connect now, for how long, only once reviewers agree, or only as a task of a run',
          }),
          until: time.optional().meta({ description: 'when the grant ends' }),
          ask: z
            .array(
              z.object({
                rule: z.string(),
                breakGlass: z.boolean(),
                maxDurationSeconds: count,
                approvals: count,
                reason: z.enum(['required', 'optional']),
                ticket: z.enum(['required', 'optional']),
                statements: z.enum(['any', 'exact']),
                reviewers: z
                  .object({
                    any: z.array(z.string()).readonly().optional(),
                    all: z.array(z.string()).readonly().optional(),
                  })
                  .meta({ description: 'groups: so many people of any of them together, or of each of all' }),
                pendingSeconds: count
                  .optional()
                  .meta({ description: 'how long it waits for them; absent where nobody has to agree' }),
                for: z.enum(['any', 'run']).meta({ description: 'run: a run has to be named' }),
              }),
            )
            .readonly()
            .meta({ description: 'the rules by which you may ask for access' }),
          sandbox: z
            .object({
              from: targetName
                .optional()
                .meta({ description: 'the target that it is made of; absent: it is there' }),
              at: z.enum(['session', 'now']).optional().meta({
                description: 'as the data was before the session that is run again, or as it is now',
              }),
              seconds: count.optional().meta({ description: 'how long one that is made is there' }),
            })
            .optional()
            .meta({ description: 'of a target that recorded sessions may be run again against' }),
        }),
      )
      .readonly(),
  })
  .meta({ id: 'Targets' });

export const signerShape = z
  .object({
    pem: z.string().meta({ description: 'SubjectPublicKeyInfo' }),
    fingerprint: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ description: 'SHA-256 of the DER, hex' }),
  })
  .meta({ id: 'Signer' });

export const problemShape = z
  .object({
    type: z.string().meta({ example: 'urn:custody:not-found' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'stable, for programs', example: 'not-found' }),
    detail: z.string().optional(),
    hint: z.string().optional().meta({ description: 'what to do next' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

export const terminationBody = z.strictObject({ reason: words.optional() });

export const terminationShape = z
  .object({ session: sessionId, by: person, at: time, reason: z.string().optional() })
  .meta({ id: 'Termination', description: 'the session ends within 5 seconds' });
