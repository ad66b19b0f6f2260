/** Whom a certificate is of, in the certificate itself: an extension that the CA signs with the rest. */
import { z } from 'zod';
import { asCustodyError } from '../../errors.ts';
import type { Principal } from '../../identity/principal.ts';
import { refusedToken } from '../../identity/token-refusals.ts';
import { parseJson } from '../../json.ts';

/** Names of extensions are of somebody's domain (PROTOCOL.certkeys); nobody but Custody reads this one. */
export const IDENTITY = 'identity@custody';
/** The one principal of our certificates: whom they are of is in the extension, and rules say where they may go. */
export const PRINCIPAL = 'custody';

const text = z.string();
const time = z.iso.datetime({ precision: 3 });

/** Members come out in this order, whatever order they had: the same identity is the same text. */
const identitySchema = z.object({
  version: z.literal(1),
  issuer: text,
  issuerName: text.optional(),
  subject: text,
  email: text.optional(),
  unverifiedEmail: text.optional(),
  groups: z.array(text),
  groupsOmittedByIssuer: z.literal(true).optional(),
  claims: z.record(text, z.union([text, z.array(text)])).optional(),
  actors: z
    .array(z.strictObject({ issuer: text, subject: text }))
    .min(1)
    .optional(),
  mfa: z.boolean().optional(),
  workload: z.literal(true).optional(),
  task: text.optional(),
  issuedAt: time.optional(),
  issuerSession: text.optional(),
  directoryId: text.optional(),
  leeway: z.int().optional(),
  tokenExpires: time,
  certifiedAt: time,
  target: text.optional(),
});
type Written = z.output<typeof identitySchema>;

/** What a certificate says of its holder. */
export interface CertifiedIdentity {
  /** As the token said; without the groups that are asked for anew each time. `expiresAt` is the token's. */
  readonly principal: Principal;
  readonly certifiedAt: Date;
  /** The one target that it is good for. */
  readonly target?: string;
}

/** Canonical JSON of all that `decide` and those who watch over sessions look at. */
export function identityText({ principal, certifiedAt, target }: CertifiedIdentity): string {
  const { expiresAt, issuedAt, device: _, toldGroups: __, certificate: ___, claims, ...person } = principal;
  const ordered = identitySchema.parse({
    version: 1,
    ...person,
    ...(claims === undefined ? {} : { claims: sorted(claims) }),
    ...(issuedAt === undefined ? {} : { issuedAt: issuedAt.toISOString() }),
    tokenExpires: expiresAt.toISOString(),
    certifiedAt: certifiedAt.toISOString(),
    ...(target === undefined ? {} : { target }),
  });
  return JSON.stringify(ordered);
}

/** Throws `token-invalid` for what this version does not write. It is only asked about what our CA has signed. */
export function identityFrom(written: string): CertifiedIdentity {
  const read = identitySchema.strict().safeParse(jsonOf(written));
  if (!read.success) throw unreadable(read.error.message);
  const { version: _, tokenExpires, certifiedAt, issuedAt, target, ...person } = read.data as Whole;
  return {
    principal: {
      ...person,
      ...(issuedAt === undefined ? {} : { issuedAt: new Date(issuedAt) }),
      expiresAt: new Date(tokenExpires),
    },
    certifiedAt: new Date(certifiedAt),
    ...(target === undefined ? {} : { target }),
  };
}

/** JSON never has a member that is undefined. */
type Whole = { [K in keyof Written]: Exclude<Written[K], undefined> } & {
  readonly [K in 'issuedAt' | 'target']?: string;
};

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([one], [other]) => (one < other ? -1 : 1)));
}

function jsonOf(written: string): unknown {
  try {
    return parseJson(written);
  } catch (thrown) {
    throw unreadable(asCustodyError(thrown).message);
  }
}

function unreadable(detail: string) {
  return refusedToken('the certificate is of another version', 'get a new one: custody ssh-login', detail);
}
