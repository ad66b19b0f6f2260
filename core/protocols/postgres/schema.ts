/** PostgreSQL's own part of custody.yaml. */
import { z } from 'zod';
import { isZone } from '#core/access/formats.ts';
import { oneOf, roleArn, text } from '#core/access/schema-parts.ts';
import { connectWith, targetShape, WITH_ADDRESS_OR_MADE } from '#core/access/target-schema.ts';
import { isLoopback } from '#core/loopback.ts';

const tlsSchema = z.discriminatedUnion(
  'mode',
  [
    z.strictObject({
      mode: z.literal('verify-full'),
      caFile: text.optional(),
      ca: z
        .literal('rds')
        .optional()
        .describe("in place of caFile: the certificates of Amazon RDS, in the gateway's image"),
      serverName: text.optional(),
    }),
    z.strictObject({ mode: z.literal('disable') }),
  ],
  { error: ({ code }) => (code === 'invalid_union' ? 'expected verify-full or disable' : undefined) },
);

const credentialSchema = z
  .strictObject({
    user: text,
    passwordFile: text.optional().describe('on a laptop: a file with nothing but the password'),
    secret: text
      .optional()
      .describe(
        'in AWS: a secret of Secrets Manager, by name or ARN: the password, or JSON with a "password"',
      ),
    rdsIam: z.literal(true).optional().describe('in AWS: a token of RDS, made anew for every session'),
    assumeRole: roleArn
      .optional()
      .describe('in AWS: the ARN of a role to take for the secret or the token, of another account'),
  })
  .refine(({ passwordFile, secret, rdsIam }) => oneOf(passwordFile, secret, rdsIam), {
    message: 'expected one of passwordFile, secret, rdsIam: true',
  })
  .refine(({ passwordFile, assumeRole }) => passwordFile === undefined || assumeRole === undefined, {
    path: ['assumeRole'],
    message: 'expected none: a file is in no account',
  })
  .describe("the gateway's own login, by reference; no client ever sees it");

const SETTING = /^[a-z_][a-z0-9_]{0,62}(?:\.[a-z_][a-z0-9_]{0,62})?$/;

/** PostgreSQL's own defaults, but for the time zone, which it takes from its machine. */
const exactSchema = z
  .strictObject({
    searchPath: text.max(1000).default('"$user", public'),
    timeZone: z.string().refine(isZone, 'expected a time zone such as Europe/Zurich or UTC').default('UTC'),
    dateStyle: z.enum(['ISO, MDY', 'ISO, DMY', 'ISO, YMD']).default('ISO, MDY'),
    settings: z
      .record(z.string().regex(SETTING, 'expected the name of a setting, in lower case'), text.max(1000))
      .default({})
      .describe('others that are to hold, such as those of an application; they are set at the start'),
  })
  .describe('how a session for exact commands reads them, whatever the login has for settings of its own');

const ownConnect = {
  session: z
    .enum(['any', 'read-write'])
    .default('any')
    .describe(
      'read-write: of a cluster that fails over: a server that is away, starts or can only read is tried again within the timeout (target_session_attrs)',
    ),
};

export const postgresTargetSchema = z
  .strictObject({
    protocol: z.literal('postgres'),
    ...targetShape,
    connect: connectWith(ownConnect).prefault({}),
    database: text,
    credential: credentialSchema,
    tls: tlsSchema.default({ mode: 'verify-full' }),
    exact: exactSchema.prefault({}),
  })
  .refine(({ tls, address }) => tls.mode !== 'disable' || isLoopback(address?.host ?? ''), {
    path: ['tls', 'mode'],
    message: 'TLS may be disabled only for a target on this machine (127.0.0.1, ::1, localhost)',
  })
  .refine(({ tls }) => tls.mode === 'disable' || tls.ca === undefined || tls.caFile === undefined, {
    path: ['tls', 'ca'],
    message: 'expected one of ca, caFile',
  })
  .refine(({ tls, credential }) => tls.mode !== 'disable' || credential.rdsIam === undefined, {
    path: ['tls', 'mode'],
    message: 'RDS takes its tokens over TLS alone',
  })
  .meta(WITH_ADDRESS_OR_MADE);
export type PostgresTarget = z.infer<typeof postgresTargetSchema> & { readonly name: string };
