/** What the API answers, as far as the CLI uses it. */
import { z } from 'zod';
import { NAME } from '#core/access/names.ts';
import { closeReasons } from '#core/recording/format.ts';

export const text = z.string().max(8192);
export const count = z.int().min(0);

const account = z.object({ issuer: text, subject: text });
/** Somebody, with who acted for them. */
export const person = z.object({
  ...account.shape,
  email: text.optional(),
  actors: z.array(account).max(16).optional(),
});

export const sessionSchema = z.object({
  id: z.uuid().lowercase(),
  state: z.enum(['open', 'closed', 'recovered']),
  startedAt: text,
  principal: person,
  target: text,
  protocol: text,
  login: text.optional(),
  rule: text,
  task: text,
  run: z.object({ id: text, workflow: text, task: text }).optional(),
  client: z.object({ address: text, application: text.optional() }),
  outcome: z
    .object({
      endedAt: text,
      reason: z.enum(closeReasons),
      recovered: z.boolean(),
      segments: count,
      frames: count,
      bytes: count,
    })
    .optional(),
});
export type Session = z.infer<typeof sessionSchema>;

export const sessionPageSchema = z.object({ sessions: z.array(sessionSchema), next: text.optional() });

export const evidenceSchema = z.object({
  session: z.unknown(),
  objects: z.array(z.object({ name: text, size: count, url: text })),
  next: text.optional(),
});
export type EvidenceObject = z.infer<typeof evidenceSchema>['objects'][number];

/** `host` and `port` are the gateway's; their form is checked as they go into a client's environment. */
export const targetsSchema = z.object({
  targets: z.array(
    z.object({
      name: z.string().regex(new RegExp(`^${NAME}$`)),
      protocol: text,
      host: z.string().regex(/^[A-Za-z0-9.:-]{1,255}$/),
      port: z.int().min(1).max(65_535),
      /** Of a target that is a database. */
      database: z.string().min(1).max(63).optional(),
      /** At the target, of one where a client chooses: the first is the usual one. */
      logins: z
        .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/))
        .max(1024)
        .optional(),
      caPem: z.string().max(65_536).nullish(),
      connectSeconds: z.int().min(1).max(86_400).default(20),
      access: z.enum(['standing', 'granted', 'requestable', 'task']).default('standing'),
      until: text.optional(),
      ask: z
        .array(
          z.object({
            rule: text,
            breakGlass: z.boolean(),
            maxDurationSeconds: count,
            approvals: count,
            reason: text,
            ticket: text,
            statements: text,
          }),
        )
        .default([]),
      sandbox: z.object({ from: text.optional(), at: text.optional(), seconds: count.optional() }).optional(),
    }),
  ),
});
export type Target = z.infer<typeof targetsSchema>['targets'][number];

export const signerSchema = z.object({ pem: z.string().max(4096) });

const issuerShape = { name: text, issuer: text, audience: z.array(text).min(1) };

/** Where people log in. What is not a port or a path of this machine's own is for the issuer to check. */
const offeredIssuerSchema = z.object({
  ...issuerShape,
  kind: z.literal('person'),
  title: text.optional(),
  clientId: text,
  clientSecret: text.optional(),
  scopes: z.array(text).readonly().optional(),
  ports: z.array(z.int().min(1).max(65_535)).min(1).readonly().optional(),
  redirectHost: z.enum(['127.0.0.1', 'localhost']).default('127.0.0.1'),
  redirectPath: z
    .string()
    .regex(/^\/[A-Za-z0-9/_-]*$/)
    .default('/callback'),
  prompt: z.enum(['login', 'consent', 'select_account']).optional(),
  flow: z.enum(['browser', 'device']).default('browser'),
  token: z.enum(['id', 'access']).default('id'),
  params: z.record(z.string(), z.string()).default({}),
});
export type OfferedIssuer = z.infer<typeof offeredIssuerSchema>;

const workloadIssuerSchema = z.object({ ...issuerShape, kind: z.literal('workload') });
export type WorkloadIssuer = z.infer<typeof workloadIssuerSchema>;

export const loginSchema = z.object({
  issuers: z.array(z.discriminatedUnion('kind', [offeredIssuerSchema, workloadIssuerSchema])),
  console: text.optional(),
});

/** RFC 9457, with a stable code and a hint. */
export const problemSchema = z.object({
  title: text.optional(),
  detail: text.optional(),
  code: text.optional(),
  hint: text.optional(),
});

const whole = z.int().min(0);

/** What a step says besides is held against its protocol's own shape. */
export const stepsSchema = z.object({
  session: z.string(),
  protocol: z.string(),
  verdict: z.enum(['verified', 'incomplete', 'failed', 'unanchored']),
  findings: z.array(z.object({ code: z.string(), object: z.string(), message: z.string() })),
  completeness: z.string().optional(),
  partial: z.string().optional(),
  total: z.object({ steps: whole, errors: whole, writes: whole, until: z.number() }),
  checked: z.object({ segments: whole, of: whole }).optional(),
  steps: z.array(z.looseObject({ number: whole, marks: z.array(z.enum(['error', 'write'])) })).max(1_000),
  next: whole.optional(),
  previous: whole.optional(),
});
