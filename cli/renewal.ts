import { CustodyError } from '#core/errors.ts';
import { apiAddress } from './api.ts';
import { claimsOf } from './claims.ts';
import type { Cli } from './cli.ts';
import { withLock } from './lock.ts';
import { isSpent, refresh } from './oidc/refresh.ts';
import { tokenOf } from './oidc/tokens-from.ts';
import { oidcReason } from './oidc/words.ts';
import { type Login, type PersonLogin, storedLogins, storeLogins, TOKENS_LOCK } from './stored-tokens.ts';

/** A token that ends sooner than this is refreshed before it is used. */
const MARGIN_MS = 60_000;

/** The newest login to the API that is spoken to: a token that was got for one API is never shown to another. */
export async function currentLogin(cli: Cli): Promise<Login> {
  const { href: api } = apiAddress(cli);
  const logins = await storedLogins(cli);
  const login = logins.find((one) => one.api === api);
  if (login !== undefined) return login;
  throw loggedOut(logins.length === 0 ? 'you are not logged in' : `you are not logged in to ${api}`);
}

export function isFresh(cli: Cli, token: string): boolean {
  return lasts(cli, token, MARGIN_MS);
}

/**
 * A person's token, made new where it ran out. One custody at a time, as a refresh token may be good for one use: another may
 * have just been here. Rejects with `token-missing`.
 */
export function renewedToken(cli: Cli): Promise<string> {
  return withLock(cli.home, TOKENS_LOCK, async () => {
    const login = (await currentLogin(cli)) as PersonLogin;
    if (isFresh(cli, login.token)) return login.token;
    try {
      return await renewed(cli, login);
    } catch (error) {
      // The issuer may be away for a moment, and what there is may be good for another one.
      if (lasts(cli, login.token, 0)) return login.token;
      throw error;
    }
  });
}

/** What comes is kept at once, the next refresh token before all: the last one may be worth nothing by now. */
async function renewed(cli: Cli, login: PersonLogin): Promise<string> {
  const { refreshToken: old, ...rest } = login;
  if (old === undefined) throw loggedOut('your login has expired');
  const response = await refresh(login, old).catch(async (cause: unknown) => {
    if (isSpent(cause)) await replace(cli, rest);
    const what = isSpent(cause) ? 'your login is over' : 'your login has expired and cannot be refreshed';
    throw loggedOut(`${what}: ${oidcReason(cause)}`, cause);
  });
  const token = tokenOf(login.tokenKind, response);
  const isOurs = token !== undefined && isOfSamePerson(token, login.token);
  const { refresh_token: refreshToken = old } = response;
  await replace(cli, { ...rest, refreshToken, ...(isOurs && { token }) });
  if (isOurs) return token;
  const gave = token === undefined ? 'no ID token' : 'a token of somebody else';
  throw loggedOut(`your login has expired: the identity provider gave ${gave} when it was refreshed`);
}

/** OpenID Connect Core 1.0 section 12.2. */
function isOfSamePerson(one: string, other: string): boolean {
  const [is, was] = [claimsOf(one), claimsOf(other)];
  return is.issuer === was.issuer && is.subject === was.subject;
}

async function replace(cli: Cli, by: PersonLogin): Promise<void> {
  const logins = await storedLogins(cli);
  await storeLogins(
    cli,
    logins.map((one) => (one.api === by.api && one.issuer === by.issuer ? by : one)),
  );
}

function lasts(cli: Cli, token: string, ms: number): boolean {
  return claimsOf(token).expiresAt - ms > cli.now();
}

function loggedOut(message: string, cause?: unknown): CustodyError {
  const hint = 'run custody login, or set CUSTODY_TOKEN to an ID token';
  return new CustodyError('token-missing', message, { hint, cause });
}
