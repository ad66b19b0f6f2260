/** What custody.yaml says of groups that tokens do not name: who is in them, or the directory that knows. */
import { z } from 'zod';
import type { Member } from '../identity/added-groups.ts';
import { plainEmail } from '../identity/email.ts';
import { duration, isSafeUrl, oneOf, text } from './schema-parts.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const GROUP_MAX = 256;
const GROUPS_MAX = 500;
const MEMBERS_MAX = 2_000;

const email = text.max(320).transform((written, context) => {
  const plain = plainEmail(written);
  if (plain !== undefined) return plain;
  context.addIssue({ code: 'custom', message: 'expected an e-mail address that everybody reads alike' });
  return z.NEVER;
});

const subject = text.max(512);

const memberSchema = z.union(
  [
    z.strictObject({ email }),
    z.strictObject({ subject }),
    email.transform((address): Member => ({ email: address })),
    subject
      .refine((written) => !written.includes('@'))
      .transform((written): Member => ({ subject: written })),
  ],
  'expected an e-mail address, a subject, or { subject: … } for one with an @',
);

/** Groups by name. They are reviewed and pinned as all of this file is. */
export const membersSchema = z
  .record(text.max(GROUP_MAX), z.array(memberSchema).min(1).max(MEMBERS_MAX))
  .refine((members) => Object.keys(members).length <= GROUPS_MAX, `expected at most ${GROUPS_MAX} groups`)
  .describe(
    "groups that are listed here, by name: people by e-mail (with emailVerified: required), or by subject. Beside the token's own, and with the same prefix",
  );

const url = z
  .string()
  .max(512)
  .refine(isSafeUrl, 'expected an https URL (http only on this machine)')
  .refine((written) => !/[?#]/.test(written), 'expected a URL without ? and #')
  .transform((written) => written.replace(/\/+$/, ''));

const common = {
  secretFile: text.optional().describe('on a laptop: a file with the credential'),
  secret: text.optional().describe('in AWS: a secret of Secrets Manager with the credential, by name or ARN'),
  cacheFor: duration(MINUTE_MS, HOUR_MS, 'expected a time from 1m to 1h, such as 5m')
    .prefault('5m')
    .describe('how long an answer counts before the directory is asked again'),
  staleFor: duration(0, 24 * HOUR_MS, 'expected a time from 0s to 24h, such as 1h')
    .prefault('1h')
    .describe(
      'how old an answer may be that counts while the directory cannot be reached; then logins are refused',
    ),
};

const googleSchema = z.strictObject({
  kind: z.literal('google'),
  ...common,
  admin: email.describe('whom the service account acts as: an administrator who may read groups'),
  user: z
    .enum(['subject', 'email'])
    .default('subject')
    .describe("how people are found: by the token's sub, where Google itself is the issuer; by e-mail else"),
  nested: z
    .boolean()
    .default(false)
    .describe('groups too that their groups are in: one more question to Google for each group'),
  when: z.literal('always').default('always').describe("Google's tokens never have groups"),
  apiUrl: url.default('https://admin.googleapis.com'),
  tokenUrl: url.default('https://oauth2.googleapis.com/token'),
});

const microsoftSchema = z.strictObject({
  kind: z.literal('microsoft'),
  ...common,
  tenant: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/, "expected the tenant's id or domain")
    .describe('the directory (tenant) of the people'),
  clientId: z
    .string()
    .regex(/^[0-9a-fA-F-]{36}$/, 'expected the id of an application')
    .describe('the application that may read groups'),
  groupNames: z
    .enum(['id', 'displayName'])
    .default('id')
    .describe(
      'displayName: groups by their names, which others may have too, and which whoever owns a group may change',
    ),
  when: z
    .enum(['when-omitted', 'always'])
    .default('when-omitted')
    .describe(
      "when-omitted: only where the token says that groups were left out; always: in place of the token's",
    ),
  graphUrl: url.default('https://graph.microsoft.com'),
  loginUrl: url.default('https://login.microsoftonline.com'),
});

export const directorySchema = z
  .discriminatedUnion('kind', [googleSchema, microsoftSchema], 'expected google or microsoft')
  .refine(({ secretFile, secret }) => oneOf(secretFile, secret), {
    path: ['secret'],
    message: 'expected one of secretFile, secret',
  })
  .describe('asked for the groups that tokens do not name');

export type DirectoryConfig = z.output<typeof directorySchema>;
export type GoogleDirectoryConfig = Extract<DirectoryConfig, { kind: 'google' }>;
export type MicrosoftDirectoryConfig = Extract<DirectoryConfig, { kind: 'microsoft' }>;

interface WithGroups {
  readonly kind: 'person' | 'workload';
  readonly emailVerified: 'unless-denied' | 'required';
  readonly groupsPrefix: string;
  readonly members?: z.output<typeof membersSchema> | undefined;
  readonly directory?: DirectoryConfig | undefined;
}

/**
 * What would give somebody's groups to others. An address for which the issuer does not vouch can be anybody's: whoever may
 * write it would choose their own groups.
 */
export function groupsMistake({
  kind,
  emailVerified,
  members = {},
  directory,
}: WithGroups): readonly [path: readonly string[], message: string] | undefined {
  const byEmail = Object.entries(members).find(([, all]) => all.some((member) => 'email' in member));
  if (directory !== undefined && kind === 'workload')
    return [['directory'], 'is for people: a directory knows no workloads'];
  if (emailVerified === 'required') return undefined;
  if (byEmail !== undefined)
    return [['members', byEmail[0]], 'names people by e-mail, which needs emailVerified: required'];
  if (directory?.kind === 'google' && directory.user === 'email')
    return [['directory', 'user'], 'email needs emailVerified: required'];
  return undefined;
}

/** A group that is listed where it would be taken for another issuer's; nobody would be in it. */
export function foreignGroup(
  issuers: readonly (WithGroups & { readonly name: string })[],
): readonly [path: readonly (string | number)[], message: string] | undefined {
  for (const [at, { groupsPrefix, members = {} }] of issuers.entries())
    for (const other of groupsPrefix === '' ? issuers : []) {
      const isForeign = (group: string) => other.groupsPrefix !== '' && group.startsWith(other.groupsPrefix);
      const group = Object.keys(members).find(isForeign);
      if (group !== undefined) return [[at, 'members', group], `begins as the groups of "${other.name}" do`];
    }
  return undefined;
}

/**
 * How a directory writes the group that a rule names, where it writes it otherwise: a rule that denies by it would not hold. Google's
 * addresses and Entra's ids are in lower case.
 */
export function directorySpelling(
  group: string,
  issuers: readonly (Pick<WithGroups, 'groupsPrefix' | 'members' | 'directory'> & {
    readonly scim?: { readonly groups: string } | undefined;
  })[],
): string | undefined {
  const ofGroup = issuers
    .filter(({ groupsPrefix }) => group.startsWith(groupsPrefix))
    .toSorted((a, b) => b.groupsPrefix.length - a.groupsPrefix.length);
  const { groupsPrefix = '', members = {}, directory, scim } = ofGroup[0] ?? {};
  const name = group.slice(groupsPrefix.length);
  if (directory === undefined || Object.hasOwn(members, name) || scim?.groups === 'also-as-groups')
    return undefined;
  const isSmall = directory.kind === 'google' ? name.includes('@') : isId(name, directory);
  const small = `${groupsPrefix}${name.toLowerCase()}`;
  return isSmall && small !== group ? small : undefined;
}

function isId(name: string, { groupNames }: MicrosoftDirectoryConfig): boolean {
  return groupNames === 'id' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);
}
