/** What custody.yaml says of identity providers. */
import { z } from 'zod';
import { canonicalEmail } from '../identity/email.ts';
import { directorySchema, foreignGroup, groupsMistake, membersSchema } from './directory-schema.ts';
import { type LoginConfig, loginSchema } from './login-schema.ts';
import { NAME, NAME_RULE } from './names.ts';
import { acrossSound, duration, isSafeUrl, text } from './schema-parts.ts';
import { scimSchema } from './scim-schema.ts';
import { openToAll } from './shared-issuers.ts';

/** The issuer stands in every open statement, which has a limit. */
const ISSUER_MAX = 512;
const CLAIM_MAX = 128;
const PREFIX_MAX = 64;
const DAY_MS = 86_400_000;
/** RFC 7518 section 3.1 and RFC 8037, without what is shared (HMAC), broken or nothing. */
export const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** https, or http on this machine. */
export const issuerUrl = z
  .string()
  .max(ISSUER_MAX)
  .refine(isSafeUrl, 'expected an https URL (http only for an issuer on 127.0.0.1, ::1 or localhost)');

/** One text or several; a list once it is read. */
export function oneOrMore<T extends z.ZodType>(item: T) {
  return z
    .union([item, z.array(item).min(1).max(50)])
    .transform((given): z.output<T>[] =>
      Array.isArray(given) ? (given as z.output<T>[]) : [given as z.output<T>],
    );
}

/** A claim by its name; where a token has none of that name, dots lead into objects (`realm_access.roles`). */
export const claim = text.max(CLAIM_MAX);

export const pattern = text
  .max(512)
  .describe('the whole text; * stands for any run of characters but / and :, ** for any at all');

/** Claims by their names, and what each may be. All must fit; a list of values fits by one of them. */
export const claimPatterns = z
  .record(claim, oneOrMore(pattern))
  .refine((claims) => Object.keys(claims).length > 0, 'expected at least one claim')
  .refine((claims) => Object.keys(claims).length <= 20, 'expected at most 20 claims')
  .superRefine(
    acrossSound(({ email = [] }, context) => {
      const other = email.find((one) => canonicalEmail(one) !== one);
      if (other === undefined) return;
      // A rule that denies by it would never hold.
      const message = `fits nobody: addresses are compared in one form, which is ${canonicalEmail(other)}`;
      context.addIssue({ code: 'custom', path: ['email'], message });
    }),
  );

/** Whoever acts for somebody. */
export const actorSchema = z.union(
  [
    z.literal('any'),
    z.strictObject({
      subject: oneOrMore(pattern).describe("the `sub` of the token's `act`"),
      issuer: issuerUrl.optional().describe("where the actor is of another issuer than the token's"),
    }),
  ],
  'expected any, or a subject (and its issuer)',
);

const issuerShape = {
  issuer: issuerUrl,
  name: z
    .string()
    .regex(new RegExp(`^${NAME}$`), NAME_RULE)
    .default('default')
    .describe('how rules and people call it'),
  kind: z
    .enum(['person', 'workload'])
    .default('person')
    .describe('workload: machines; "*" in a rule without an issuer is not for them'),
  audience: oneOrMore(text.max(512)).describe('a token is for one of these'),
  algorithms: z
    .array(z.enum(algorithms))
    .min(1)
    .optional()
    .describe('with which tokens may be signed; all of the keys that it publishes when absent'),
  jwksUri: issuerUrl.optional().describe('where its keys are; found by OIDC discovery when absent'),
  jwksFile: text
    .optional()
    .describe('in place of jwksUri: its keys in a file beside this one, where nothing can be fetched'),
  keysLastFor: duration(600_000, 7 * DAY_MS, 'expected a time from 10m to 7d, such as 1d')
    .prefault('1d')
    .describe('how long the last keys serve while it cannot be reached'),
  leeway: duration(0, 60_000, 'expected a time from 0s to 60s')
    .prefault('0s')
    .describe('how far its clock may be off: a token is taken so much before its time, and after it'),
  groupsClaim: oneOrMore(claim).prefault('groups').describe('the claims of the token that name groups'),
  groupsPrefix: text
    .max(PREFIX_MAX)
    .optional()
    .describe(
      "stands before each of its groups in rules, so that no other issuer's are taken for them; its name and a colon for workloads when absent",
    ),
  match: claimPatterns.optional().describe('what must be in a token'),
  emailVerified: z
    .enum(['unless-denied', 'required'])
    .default('unless-denied')
    .describe(
      'whether an e-mail address counts of which the token does not say email_verified; one of which it says false never does',
    ),
  sharesPeople: z
    .boolean()
    .default(false)
    .describe(
      'whoever has one verified e-mail address at two issuers that say so is one person: grants and sessions are theirs at both',
    ),
  backchannelLogout: z
    .boolean()
    .default(false)
    .describe(
      'whether it may end what it let in, by OpenID Connect Back-Channel Logout: POST /v1/logout/ and its name is the address',
    ),
  taskClaim: text.optional().describe('the claim of the token that names the task it was issued for'),
  agent: z
    .strictObject({
      name: claim.optional().describe('the claim with what the agent calls itself'),
      model: claim.optional().describe('the claim with the model that it runs on'),
    })
    .optional()
    .describe(
      'where its tokens are of agents: claims that recordings keep, to show who acted; rules may look at them',
    ),
  login: loginSchema.optional().describe('how `custody login` goes about it, where its people need that'),
  scim: scimSchema.optional().describe('its directory tells here who was deactivated (SCIM 2.0)'),
  members: membersSchema.optional(),
  directory: directorySchema.optional(),
};

const issuerSchema = z
  .strictObject(issuerShape)
  .refine(({ jwksUri, jwksFile }) => jwksUri === undefined || jwksFile === undefined, {
    path: ['jwksFile'],
    message: 'expected one of jwksUri, jwksFile',
  })
  .refine(({ kind, match }) => kind === 'person' || match !== undefined, {
    path: ['match'],
    message:
      "is missing: a workload's issuer serves others too; say which of its tokens are yours, as in match: { repository_owner: acme }",
  })
  .refine(({ kind, login }) => kind === 'person' || login === undefined, {
    path: ['login'],
    message: 'is for people: a workload gets its tokens by itself (custody login --workload)',
  })
  .refine(({ audience, login }) => login === undefined || isForUs(login, audience), {
    path: ['login', 'console', 'clientId'],
    message: 'is not among audience: an ID token is for the client that it was given to',
  })
  .refine(({ sharesPeople, emailVerified }) => !sharesPeople || emailVerified === 'required', {
    path: ['sharesPeople'],
    message: 'needs emailVerified: required',
  })
  .transform(({ groupsPrefix, ...issuer }) => {
    const prefix = groupsPrefix ?? (issuer.kind === 'workload' ? `${issuer.name}:` : '');
    return { ...issuer, groupsPrefix: prefix };
  })
  .superRefine((issuer, context) => {
    const [path, message] = groupsMistake(issuer) ?? [];
    if (path !== undefined) context.addIssue({ code: 'custom', path: [...path], message: message! });
  })
  .readonly();

/** Whether the gateway takes what the console's own client is given. */
function isForUs({ token, console: own }: LoginConfig, audience: readonly string[]): boolean {
  return token === 'access' || own?.clientId === undefined || audience.includes(own.clientId);
}

/** What the file says of one issuer. */
export type IssuerEntry = z.output<typeof issuerSchema>;

const several = z
  .array(issuerSchema)
  .min(1)
  .max(20)
  .superRefine(
    acrossSound((issuers, context) => {
      for (const [at, issuer] of issuers.entries()) {
        const open = openToAll(issuer);
        if (open !== undefined) context.addIssue({ code: 'custom', path: [at, 'match'], message: open });
        for (const before of issuers.slice(0, at)) {
          const [key, message] = confusion(before, issuer) ?? [];
          if (key !== undefined) context.addIssue({ code: 'custom', path: [at, key], message: message! });
        }
      }
      const [path, message] = foreignGroup(issuers) ?? [];
      if (path !== undefined) context.addIssue({ code: 'custom', path: [...path], message: message! });
    }),
  );

/** What would let a token, a rule or a group of the one be taken for the other's. */
function confusion(
  one: IssuerEntry,
  other: IssuerEntry,
): readonly [key: string, message: string] | undefined {
  if (one.name === other.name)
    return ['name', `another issuer has the name "${one.name}" already: rules tell them apart by name`];
  const shared = one.audience.find((audience) => other.audience.includes(audience));
  if (one.issuer === other.issuer && shared !== undefined)
    return ['audience', `"${one.name}" is the same issuer with the same audience "${shared}"`];
  // Jobs of GitLab choose the audience of their tokens: one could name the audience that is for people.
  if (one.issuer === other.issuer && (one.match === undefined || other.match === undefined))
    return ['match', `"${one.name}" is the same issuer: match has to say of both which tokens are theirs`];
  const [a, b] = [one.groupsPrefix, other.groupsPrefix];
  if (a === b || (a !== '' && b !== '' && (a.startsWith(b) || b.startsWith(a))))
    return [
      'groupsPrefix',
      `its groups could be taken for those of "${one.name}": give it a prefix of its own`,
    ];
  return undefined;
}

/** One issuer, as in files of before, or several. A list once it is read. What only a list is refused for, `configWarnings` says of the one. */
export const identitySchema = z
  .union([several, issuerSchema])
  .transform((given): readonly IssuerEntry[] => (Array.isArray(given) ? given : [given]));
