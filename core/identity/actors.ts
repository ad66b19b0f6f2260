import { isJsonObject } from '../json.ts';
import type { Claims } from './claims.ts';
import { issuerNamed } from './issuer-spellings.ts';
import type { Actor } from './principal.ts';
import { misissuedToken } from './token-refusals.ts';

const CHAIN_MAX = 5;
const NAME_MAX = 512;
/** All of them stand in the open statement. */
const BYTES_MAX = 1024;

/**
 * Who acts for the token's subject (RFC 8693 section 4.1), the one that does now first. An actor is of the token's issuer where `act`
 * names none. Whatever else `act` says of them is not looked at, and so is `may_act` (section 4.4): it says who could become an
 * actor, which is the issuer's to check when it exchanges a token. `azp` and `cid` name the client that asked for the token, and
 * nobody who acts. Throws `token-invalid` for an `act` that is not of this form: never is it taken for nobody.
 */
export function actorsOf({ act }: Claims, issuer: string): readonly Actor[] {
  const actors: Actor[] = [];
  for (let rest = act; rest !== undefined; rest = (rest as Claims)['act']) {
    if (actors.length === CHAIN_MAX) throw unfit(`names more than ${CHAIN_MAX} one behind the other`);
    actors.push(actorOf(rest, issuer));
  }
  if (new TextEncoder().encode(JSON.stringify(actors)).length > BYTES_MAX) throw unfit('is too long');
  return actors;
}

function actorOf(act: unknown, issuer: string): Actor {
  if (!isJsonObject(act)) throw unfit('is no object');
  const { sub, iss = issuer } = act;
  if (!isName(sub)) throw unfit('has no sub that is a text');
  if (!isName(iss)) throw unfit('has an iss that is no text');
  // Under a second name of theirs they would be somebody else, whom nobody has disabled.
  return { issuer: issuerNamed(iss), subject: sub };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= NAME_MAX && value.isWellFormed();
}

function unfit(what: string): Error {
  return misissuedToken(`its claim act, which says who acts for somebody, ${what}`);
}
