/** What every target in custody.yaml says, whatever its protocol. */
import { z } from 'zod';
import { durabilityModes } from '../recording/format.ts';
import { duration, oneOf, text } from './schema-parts.ts';

/** As long as a DNS name can be (RFC 1035 section 2.3.4): an address must fit into the open statement. */
const HOST_MAX = 253;
const DAY_MS = 86_400_000;

/** host:port, with an IPv6 address in brackets. */
export const addressSchema = z
  .string()
  .transform((written, context) => {
    const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(written);
    const host = parts?.[1] ?? parts?.[2] ?? '';
    const port = Number(parts?.[3]);
    if (host !== '' && host.length <= HOST_MAX && port >= 1 && URL.canParse(`http://${written}`)) {
      return { host, port };
    }
    context.addIssue({ code: 'custom', message: 'expected host:port, as in db.internal:5432 or [::1]:5432' });
    return z.NEVER;
  })
  .describe("the target's own address: host:port; of a target with sandbox.from there is none");
export type Address = z.output<typeof addressSchema>;

const connectShape = {
  timeout: duration(1_000, 300_000, 'expected a time from 1s to 5m, such as 10s')
    .prefault('10s')
    .describe('how long the target may take from the connection to the end of the login'),
  userTimeout: duration(5_000, 3_600_000, 'expected a time from 5s to 1h, such as 30s')
    .prefault('30s')
    .describe(
      'how long the target may leave bytes that were sent to it without an answer (tcp_user_timeout)',
    ),
};

const retentionSchema = z.strictObject({
  keep: duration(DAY_MS, 36_500 * DAY_MS, 'expected a time from 1d to 36500d, such as 365d').prefault('365d'),
  lock: z
    .enum(['governance', 'compliance'])
    .default('governance')
    .describe('the mode of S3 Object Lock; on a laptop nothing is deleted, and nothing can be locked'),
  hold: z
    .boolean()
    .default(false)
    .describe(
      'a legal hold on every new recording: kept beyond its date, until somebody who may lifts the hold',
    ),
});

const recordingSchema = {
  durability: z.enum(durabilityModes).default('windowed'),
  windowMs: z.int().min(100).max(10_000).default(250),
  deadlineMs: z.int().min(1_000).max(60_000).default(10_000),
  retention: retentionSchema.prefault({}),
};

/** In AWS: what RDS restores, and where to. The security groups of a sandbox are never its source's by accident. */
const rdsSchema = z
  .strictObject({
    instance: text.optional().describe('the DB instance identifier of the source'),
    cluster: text.optional().describe('in its place, of Aurora: the DB cluster identifier'),
    class: text.optional().describe('of the made instance, such as db.t4g.medium; a cluster needs it'),
    subnetGroup: text.optional().describe("the DB subnet group; the source's when not given"),
    securityGroups: z.array(text).min(1).describe('the ids of security groups that let the gateway in'),
  })
  .refine(({ instance, cluster }) => oneOf(instance, cluster), {
    message: 'expected one of instance, cluster',
  })
  .refine(({ cluster, class: wanted }) => cluster === undefined || wanted !== undefined, {
    path: ['class'],
    message: 'is missing: a cluster that is made has no instance that could say it',
  });
export type RdsSource = z.output<typeof rdsSchema>;

/** Where recorded sessions may be run again. */
export const sandboxSchema = z.union(
  [
    z.literal(true),
    z.strictObject({
      from: text.describe('the target whose data it is made of, anew for each rerun'),
      at: z
        .enum(['session', 'now'], 'expected session or now')
        .default('session')
        .describe('as the data was before the session that is run again, or as it is now'),
      for: duration(60_000, 7 * DAY_MS, 'expected a time from 1m to 7d, such as 1h')
        .prefault('1h')
        .describe('it is removed after that'),
      rds: rdsSchema.optional().describe('in AWS: the database of RDS that it is made of'),
    }),
  ],
  'expected true, or { from: the target it is made of }',
);

const onBlindSchema = z.union(
  [
    z.literal('end'),
    z.strictObject({ hold: duration(5_000, 300_000, 'expected a time from 5s to 5m, such as 15s') }),
  ],
  'expected end, or { hold: how long }',
);

/** What views and exports do not show. Evidence has it, and whoever a rule with `unredacted` lets. */
const redactSchema = z.strictObject({
  columns: z
    .array(text)
    .default([])
    .describe('of results and bind values: a column by its name, or table.column'),
  patterns: z.array(text).default([]).describe('regular expressions (RE2): what fits is left out of texts'),
});

const HAS_ADDRESS = { type: 'object', properties: { address: {} }, required: ['address'] };
const IS_MADE = { type: 'object', properties: { from: {} }, required: ['from'] };
/** For the editors of custody.yaml, of a protocol whose targets can be made. */
export const WITH_ADDRESS_OR_MADE = {
  anyOf: [HAS_ADDRESS, { type: 'object', properties: { sandbox: IS_MADE }, required: ['sandbox'] }],
};

/** The shape that a protocol adds its own to. */
export const targetShape = {
  address: addressSchema.optional(),
  connect: z.strictObject(connectShape).prefault({}),
  sandbox: sandboxSchema.optional(),
  redact: redactSchema.optional(),
  onBlind: onBlindSchema
    .prefault({ hold: '15s' })
    .describe(
      'what becomes of sessions while the gateway cannot see whether their access still stands: end (after 4s), or hold for a time those that rest on no grant',
    ),
  recording: z.strictObject(recordingSchema).prefault({}),
};

/** Of a protocol that has more to say of how it connects. */
export function connectWith<T extends z.ZodRawShape>(own: T) {
  return z.strictObject({ ...connectShape, ...own });
}

/** Of a protocol whose recordings may leave out what files hold: see `fileRecording` in its schema. */
export function recordingWith<T extends z.ZodRawShape>(own: T) {
  return z.strictObject({ ...recordingSchema, ...own });
}
