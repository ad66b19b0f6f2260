import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { CustodyError } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';

/** Who calls: the bearer token (RFC 6750 section 2.1), verified. Rejects with `token-missing` or `token-invalid`. */
export async function callerOf(event: APIGatewayProxyEventV2, verifier: TokenVerifier): Promise<Principal> {
  const [, token] = /^Bearer +(\S+)$/i.exec(event.headers['authorization'] ?? '') ?? [];
  if (token !== undefined) return verifier.verify(token);
  throw new CustodyError('token-missing', 'this needs a bearer token', { hint: 'log in: custody login' });
}
