import { randomUUID, X509Certificate } from 'node:crypto';
import { type CryptoKey, importPKCS8, SignJWT } from 'jose';
import { z } from 'zod';
import type { MicrosoftDirectoryConfig } from '#core/access/directory-schema.ts';
import type { DirectoryPerson, GroupDirectory } from '#core/identity/directory.ts';
import { AccessTokens } from './access-tokens.ts';
import { cannotSay, namesNobody } from './failures.ts';
import { DirectoryHttp, type Told } from './http.ts';
import { allPages, type Page, timeOf } from './lookup.ts';
import type { DirectoryPorts } from './ports.ts';

/** RFC 7523 section 2.2. */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const ASSERTION_S = 300;
const PAGE = 999;
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const GROUP = '#microsoft.graph.group';

const pageSchema = z.object({
  value: z.array(
    z.object({
      '@odata.type': z.string(),
      id: z.string().regex(GUID),
      displayName: z.string().max(1024).nullish(),
    }),
  ),
  '@odata.nextLink': z.string().max(8192).optional(),
});

/**
 * Microsoft Entra by Graph: all groups that a person is in, also through other groups, asked for as an application. Directory roles and
 * administrative units are told as well, and left out here: asking for groups alone goes by an index that may lag behind
 * (`ConsistencyLevel: eventual`).
 * https://learn.microsoft.com/en-us/graph/api/user-list-transitivememberof
 */
export function microsoftDirectory(config: MicrosoftDirectoryConfig, ports: DirectoryPorts): GroupDirectory {
  const now = () => ports.wallClock().getTime();
  const http = new DirectoryHttp({ ...ports, now });
  const tokens = new AccessTokens(() => askForToken(config, ports, http), now);
  return {
    groupsOf: async (person) => {
      const first = groupsUrl(config, objectId(person));
      const lookup = { http, tokens, signal: timeOf(ports) };
      return allPages(first, lookup, (body) => read(body, first, config.groupNames));
    },
  };
}

/** `sub` is another one for each application; `oid` is the person. */
function objectId({ claims: { oid } }: DirectoryPerson): string {
  if (typeof oid === 'string' && GUID.test(oid)) return oid;
  throw namesNobody('the token has no oid', 'log in with the scope profile');
}

function groupsUrl({ graphUrl }: MicrosoftDirectoryConfig, oid: string): URL {
  return new URL(`${graphUrl}/v1.0/users/${oid}/transitiveMemberOf?$select=id,displayName&$top=${PAGE}`);
}

function read(
  body: Readonly<Record<string, unknown>>,
  first: URL,
  groupNames: MicrosoftDirectoryConfig['groupNames'],
): Page {
  const page = pageSchema.safeParse(body);
  if (!page.success) throw cannotSay('the answer is no list of groups');
  const { value, '@odata.nextLink': link } = page.data;
  const groups = value.filter((one) => one['@odata.type'] === GROUP);
  const names = groups.map(({ id, displayName }) => {
    if (groupNames === 'id') return id.toLowerCase();
    // Graph answers null for what an application may not read.
    if (typeof displayName === 'string' && displayName !== '') return displayName;
    throw cannotSay('a group has no displayName that the application may read');
  });
  return { groups: names, next: link === undefined ? undefined : nextPage(link, first) };
}

/** The access token goes with it: to nobody else. */
function nextPage(link: string, first: URL): URL {
  const next = URL.canParse(link) ? new URL(link) : undefined;
  const isSame = next?.origin === first.origin && next.username === '' && next.password === '';
  if (!isSame) throw cannotSay('the next page is at another place than the first');
  return next;
}

/** https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
async function askForToken(
  config: MicrosoftDirectoryConfig,
  ports: DirectoryPorts,
  http: DirectoryHttp,
): Promise<Told> {
  const { tenant, clientId, graphUrl, loginUrl, secret, secretFile } = config;
  const url = `${loginUrl}/${tenant}/oauth2/v2.0/token`;
  const credential = (await ports.readSecret({ secret, secretFile })).trim();
  const proof = credential.includes('-----BEGIN ')
    ? { client_assertion_type: JWT_BEARER, client_assertion: await assertion(credential, url, config, ports) }
    : { client_secret: credential };
  const form = { grant_type: 'client_credentials', client_id: clientId, scope: `${graphUrl}/.default` };
  return http.ask({ url: new URL(url), form: { ...form, ...proof } });
}

/** https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials */
async function assertion(
  pem: string,
  audience: string,
  { clientId }: MicrosoftDirectoryConfig,
  { wallClock }: DirectoryPorts,
): Promise<string> {
  const { certificate, key } = await certificateAndKey(pem);
  const since = Math.floor(wallClock().getTime() / 1000);
  const thumbprint = Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
  return new SignJWT()
    .setProtectedHeader({ alg: 'PS256', typ: 'JWT', 'x5t#S256': thumbprint })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setNotBefore(since)
    .setIssuedAt(since)
    .setExpirationTime(since + ASSERTION_S)
    .sign(key);
}

/** Never quotes what it read. */
async function certificateAndKey(pem: string): Promise<{ certificate: X509Certificate; key: CryptoKey }> {
  const [key = ''] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(pem) ?? [];
  const [certificate = ''] = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(pem) ?? [];
  try {
    return { certificate: new X509Certificate(certificate), key: await importPKCS8(key, 'PS256') };
  } catch {
    throw cannotSay("the directory's secret has no certificate and private key (PKCS #8) that can be read");
  }
}
