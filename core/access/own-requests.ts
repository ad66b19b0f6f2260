import { type Caller, type Issuers, sameHolder, sharesPeople } from './own.ts';
import { type Person, sameEmail } from './person.ts';
import type { AccessRequest } from './request.ts';
import type { AccessCatalog } from './store.ts';

/** Whose requests, for which target, and what still matters then. */
export interface OwnQuery {
  readonly caller: Caller;
  readonly policy: Issuers;
  readonly target?: string;
  readonly openAt: Date;
  /** How many of one account at most. */
  readonly limit: number;
}

/** Requests of others that are looked through for those of one person under another account. */
const PAGE = 200;
const PAGES_MAX = 5;

/**
 * The open requests of somebody and of who acts for them, newest first. Lists know accounts and no addresses: where the issuer
 * shares people, those of the other account are looked for among the newest thousand open requests, and not beyond.
 */
export async function openRequestsOf(
  query: OwnQuery,
  catalog: AccessCatalog,
): Promise<readonly AccessRequest[]> {
  const { caller, policy, target, openAt, limit } = query;
  const where = { openAt, ...(target === undefined ? {} : { target }) };
  const { requests: own } = await catalog.list({ requester: caller, ...where, limit });
  if (!sharesPeople(caller, policy)) return own;
  const seen = new Set(own.map(({ id }) => id));
  const others = await newest(where, catalog);
  const shared = others.filter(({ id, requester }) => !seen.has(id) && sameHolder(caller, requester, policy));
  return [...own, ...shared].sort((a, b) => (a.id < b.id ? 1 : -1));
}

async function newest(
  where: { readonly openAt: Date; readonly target?: string },
  catalog: AccessCatalog,
): Promise<AccessRequest[]> {
  const found: AccessRequest[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const from = cursor === undefined ? {} : { cursor };
    const { requests, next } = await catalog.list({ ...where, ...from, limit: PAGE });
    found.push(...requests);
    cursor = next;
    if (next === undefined) break;
  }
  return found;
}

/**
 * Who is called so at an issuer, by the subject or the e-mail address, among the newest thousand open requests; undefined where nobody
 * of that name has asked for anything that still matters.
 */
export async function accountNamed(
  name: string,
  { issuer }: { readonly issuer: string },
  openAt: Date,
  catalog: AccessCatalog,
): Promise<Person | undefined> {
  const requesters = (await newest({ openAt }, catalog)).map(({ requester }) => requester);
  const ofIssuer = requesters.filter((one) => one.issuer === issuer);
  return (
    ofIssuer.find(({ subject }) => subject === name) ??
    ofIssuer.find(({ email }) => email !== undefined && sameEmail(email, name))
  );
}
