import { type CryptoKey, importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import type { GoogleDirectoryConfig } from '#core/access/directory-schema.ts';
import { asCustodyError } from '#core/errors.ts';
import type { DirectoryPerson, GroupDirectory } from '#core/identity/directory.ts';
import { parseJson } from '#core/json.ts';
import { AccessTokens } from './access-tokens.ts';
import { cannotSay, namesNobody, tooMany } from './failures.ts';
import { DirectoryHttp, type Told } from './http.ts';
import { allPages, GROUPS_MAX, type Lookup, type Page, timeOf } from './lookup.ts';
import type { DirectoryPorts } from './ports.ts';

const SCOPE = 'https://www.googleapis.com/auth/admin.directory.group.readonly';
/** RFC 7523 section 2.1. */
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const ASSERTION_S = 300;
const PAGE = 200;
/** Groups that are asked for at once. */
const AT_ONCE = 8;

/** The JSON that Google makes of a service account's key. Its `token_uri` is not gone by: the configuration says where tokens are. */
const keySchema = z.object({
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().min(1).optional(),
});

/** Of whoever is in no group it is all that there is, which an answer of something else is not taken for. */
const KIND = /^(?:admin#)?directory#groups$/;

const pageSchema = z.object({
  kind: z.string().regex(KIND),
  groups: z.array(z.object({ email: z.string().min(1).max(320) })).default([]),
  nextPageToken: z.string().max(4096).optional(),
});

/**
 * Google Workspace by the Directory API: groups.list by a person, as a service account that acts for an administrator (domain-wide
 * delegation). Groups go by their addresses in lower case. Google tells those that the person is in directly; with `nested`, each of
 * them is asked for as well: a member is a person or a group.
 * https://developers.google.com/workspace/admin/directory/reference/rest/v1/groups/list
 */
export function googleDirectory(config: GoogleDirectoryConfig, ports: DirectoryPorts): GroupDirectory {
  const now = () => ports.wallClock().getTime();
  const http = new DirectoryHttp({ ...ports, now });
  const tokens = new AccessTokens(() => askForToken(config, ports, http), now);
  return {
    groupsOf: async (person) => {
      const lookup = { http, tokens, signal: timeOf(ports) };
      const direct = await groupsOfMember(userKey(config, person), config, lookup);
      return config.nested ? withOuter(direct, config, lookup) : direct;
    },
  };
}

function groupsOfMember(key: string, config: GoogleDirectoryConfig, lookup: Lookup) {
  const first = groupsUrl(config, key);
  return allPages(first, lookup, (body) => read(body, first));
}

/** Those too that the groups are in, and so on outwards; each is asked for once, whatever circles they make. */
async function withOuter(
  direct: readonly string[],
  config: GoogleDirectoryConfig,
  lookup: Lookup,
): Promise<readonly string[]> {
  const known = new Set(direct);
  const outer = (group: string) => groupsOfMember(group, config, lookup).catch(asOfGroup);
  let waiting = direct;
  while (waiting.length > 0) {
    const found = await Promise.all(waiting.slice(0, AT_ONCE).map(outer));
    const unseen = [...new Set(found.flat())].filter((group) => !known.has(group));
    for (const group of unseen) known.add(group);
    if (known.size > GROUPS_MAX) throw tooMany(GROUPS_MAX);
    waiting = [...waiting.slice(AT_ONCE), ...unseen];
  }
  return [...known];
}

/** That a group is not known says nothing about the person. */
function asOfGroup(thrown: unknown): never {
  const error = asCustodyError(thrown);
  throw error.code === 'access-denied' ? cannotSay(`of a group: ${error.message}`, error) : error;
}

function userKey({ user }: GoogleDirectoryConfig, { subject, email }: DirectoryPerson): string {
  // Google's own `sub` is the id of the account. Another issuer's could be anything, an address of somebody else as well.
  if (user === 'subject' && /^\d{1,64}$/.test(subject)) return subject;
  if (user === 'subject')
    throw namesNobody('the token is not of Google itself', 'custody.yaml: directory.user');
  if (email !== undefined) return email;
  throw namesNobody('the token has no e-mail address', 'log in with the scope email');
}

function groupsUrl({ apiUrl }: GoogleDirectoryConfig, key: string): URL {
  const url = new URL(`${apiUrl}/admin/directory/v1/groups`);
  const query = { userKey: key, maxResults: String(PAGE), fields: 'kind,nextPageToken,groups(email)' };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

function read(body: Readonly<Record<string, unknown>>, first: URL): Page {
  const page = pageSchema.safeParse(body);
  if (!page.success) throw cannotSay('the answer is no list of groups');
  const { groups, nextPageToken } = page.data;
  const next = nextPageToken === undefined ? undefined : new URL(first);
  next?.searchParams.set('pageToken', nextPageToken!);
  return { groups: groups.map(({ email }) => email.toLowerCase()), next };
}

/** https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
async function askForToken(
  { admin, tokenUrl, secret, secretFile }: GoogleDirectoryConfig,
  { readSecret, wallClock }: DirectoryPorts,
  http: DirectoryHttp,
): Promise<Told> {
  const key = serviceAccount(await readSecret({ secret, secretFile }));
  const since = Math.floor(wallClock().getTime() / 1000);
  const assertion = await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({
      alg: 'RS256',
      typ: 'JWT',
      ...(key.private_key_id === undefined ? {} : { kid: key.private_key_id }),
    })
    .setIssuer(key.client_email)
    .setSubject(admin)
    .setAudience(tokenUrl)
    .setIssuedAt(since)
    .setExpirationTime(since + ASSERTION_S)
    .sign(await signingKey(key.private_key));
  return http.ask({ url: new URL(tokenUrl), form: { grant_type: JWT_BEARER, assertion } });
}

/** Never quotes what it read. */
function serviceAccount(text: string): z.output<typeof keySchema> {
  try {
    return keySchema.parse(parseJson(text));
  } catch {
    throw cannotSay("the directory's secret is not the JSON key of a service account");
  }
}

async function signingKey(pem: string): Promise<CryptoKey> {
  try {
    return await importPKCS8(pem, 'RS256');
  } catch {
    throw cannotSay("the directory's secret has no private key that can be read");
  }
}
