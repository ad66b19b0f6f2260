import { z } from 'zod';
import type { Context } from '#core/access/conditions.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import { parseJson } from '#core/json.ts';
import type { ApiEvent } from './http.ts';

const text = z.string();
/** A principal as the authorizer hands it on. */
const principalSchema = z.strictObject({
  issuer: text,
  subject: text,
  email: text.optional(),
  unverifiedEmail: text.optional(),
  groups: z.array(text),
  groupsOmittedByIssuer: z.literal(true).optional(),
  expiresAt: z.iso.datetime().transform((time) => new Date(time)),
  device: z
    .strictObject({
      key: text,
      proof: z.enum(['tls-certificate', 'ssh-certificate', 'ssh-key']),
      user: z.strictObject({ present: z.boolean(), verified: z.boolean() }).optional(),
      thumbprint: text.optional(),
      expiresAt: z.iso
        .datetime()
        .transform((time) => new Date(time))
        .optional(),
    })
    .optional(),
  task: text.optional(),
  mfa: z.boolean().optional(),
  issuerName: text.optional(),
  workload: z.literal(true).optional(),
  claims: z.record(text, z.union([text, z.array(text)])).optional(),
  actors: z.array(z.strictObject({ issuer: text, subject: text })).optional(),
  issuedAt: z.iso
    .datetime()
    .transform((time) => new Date(time))
    .optional(),
  issuerSession: text.optional(),
  leeway: z.int().optional(),
  directoryId: text.optional(),
  toldGroups: z.array(text).optional(),
});

/** Who calls: what the authorizer has verified. Throws `token-missing` where no authorizer was before this function. */
export function callerOf(event: ApiEvent): Principal {
  const handed = event.requestContext?.authorizer?.lambda?.principal;
  const parsed = handed === undefined ? undefined : principalSchema.safeParse(parseJson(handed));
  if (parsed?.success === true) return parsed.data as Principal;
  throw new CustodyError('token-missing', 'this needs a bearer token', { hint: 'log in: custody login' });
}

/** Where the call comes from: the connection's own address, or the viewer's where the authorizer knows our own CloudFront before it. */
export function contextOf(event: ApiEvent): Context {
  const { authorizer, http } = event.requestContext ?? {};
  const network = authorizer?.lambda?.address ?? http?.sourceIp;
  return network === undefined ? {} : { network };
}
