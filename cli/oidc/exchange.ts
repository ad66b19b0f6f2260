import { genericGrantRequest } from 'openid-client';
import { CustodyError } from '#core/errors.ts';
import { claimsOf } from '../claims.ts';
import { discover } from './discover.ts';
import { oidcError } from './words.ts';

/** RFC 8693 section 2.1. */
const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';

export interface Exchange {
  /** The person's token, and whose it is. */
  readonly subject: string;
  /** By which whoever acts says who they are. */
  readonly actor: string;
  readonly clientId: string;
  /** What the token shall be for: `task:RUN_ID/TASK`. */
  readonly scope: string;
}

/** A token of the actor acting for the person, of the person's own issuer. Rejects with `token-invalid` in that one's words. */
export async function exchangeTokens({ subject, actor, clientId, scope }: Exchange): Promise<string> {
  const { issuer } = claimsOf(subject);
  const configuration = await discover({ issuer, clientId });
  try {
    const { access_token: token } = await genericGrantRequest(configuration, TOKEN_EXCHANGE, {
      client_id: clientId,
      subject_token: subject,
      subject_token_type: ID_TOKEN,
      actor_token: actor,
      actor_token_type: JWT,
      requested_token_type: ID_TOKEN,
      scope,
    });
    claimsOf(token);
    return token;
  } catch (cause) {
    if (cause instanceof CustodyError) throw cause;
    throw oidcError(`${issuer} did not exchange the tokens`, cause, 'may this agent act for you there?');
  }
}
