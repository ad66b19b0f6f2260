/** What this console is to an issuer: a client in a browser, which custody.yaml may tell from the command line's. */
import { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';

export interface BrowserClient {
  readonly id: string;
  /** Of a desktop client of Google, which is no secret there. */
  readonly secret: string | undefined;
  /** Undefined: what the issuer offers of the usual ones. */
  readonly scopes: readonly string[] | undefined;
  /** Besides its own, where its endpoints may be: the page's policy lets it ask no others. */
  readonly origins: readonly string[];
}

export function browserClient({
  clientId,
  clientSecret,
  scopes,
  console: own = {},
}: PersonIssuer): BrowserClient {
  return {
    id: own.clientId ?? clientId,
    secret: own.clientId === undefined ? clientSecret : undefined,
    scopes: own.scopes ?? scopes,
    origins: own.origins ?? [],
  };
}

/** An endpoint that the page may ask. Throws a Problem that tells the operator what to write. */
export function askable(issuer: PersonIssuer, endpoint: string | undefined): URL {
  const url = safe(endpoint);
  if (url === undefined)
    throw new Problem('issuer-unreachable', `${issuer.issuer} does not say where it gives tokens`);
  const origins = [new URL(issuer.issuer).origin, ...browserClient(issuer).origins];
  if (origins.includes(url.origin)) return url;
  throw new Problem(
    'config-invalid',
    `the identity provider gives tokens at ${url.origin}, which is not its own address`,
    {
      hint: `the operator has to add it to custody.yaml: identity, login: { console: { origins: ["${url.origin}"] } }`,
    },
  );
}

/** Where the browser is sent: anywhere, but never to a script. */
export function visitable(issuer: PersonIssuer, endpoint: string | undefined): URL {
  const url = safe(endpoint);
  if (url !== undefined) return url;
  throw new Problem('issuer-unreachable', `${issuer.issuer} does not say where people sign in`);
}

function safe(endpoint: string | undefined): URL | undefined {
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  return url !== null && (url.protocol === 'https:' || isHere(url)) ? url : undefined;
}

/** http is for an issuer on this machine alone. */
export function isHere({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
}
