import type { APIGatewayRequestAuthorizerEventV2 } from 'aws-lambda';
import { asCustodyError, CustodyError, type ErrorCode } from '#core/errors.ts';
import type { Principal, TokenVerifier } from '#core/identity/principal.ts';
import type { TokenFailures } from '#core/identity/token-failures.ts';
import { recordedPrincipal } from '#core/recording/statements.ts';
import type { FaultLog } from '../problem.ts';
import { type AddressOf, connectionOf } from './address.ts';

export interface AuthorizerPorts {
  readonly verifier: () => TokenVerifier;
  readonly failures: TokenFailures;
  /** Hears of every refusal; nobody counts them where it is absent. */
  readonly refused?: (code: ErrorCode, token: string | undefined) => void;
  readonly log: FaultLog;
  /** The connection's own address when not given. */
  readonly addressOf?: AddressOf;
}

/**
 * A Lambda authorizer of API Gateway's HTTP API (payload format 2.0, simple response). `context.principal` is what handlers
 * go by. On a refusal, `context` says why: API Gateway keeps that to itself, a server of our own makes a problem of it.
 */
export type Authorizer = (event: APIGatewayRequestAuthorizerEventV2) => Promise<AuthorizerAnswer>;

export type AuthorizerAnswer =
  | {
      readonly isAuthorized: true;
      readonly context: { readonly principal: string; readonly address: string };
    }
  | {
      readonly isAuthorized: false;
      readonly context: { readonly code: string; readonly message: string; readonly hint: string };
    };

const FAULTS: readonly string[] = [
  'internal',
  'issuer-unreachable',
  'store-unavailable',
] satisfies ErrorCode[];

/** Verifies the bearer token (RFC 6750 section 2.1) in a function of its own: nobody else ever sees it. */
export function authorizerHandler(ports: AuthorizerPorts): Authorizer {
  const { addressOf = connectionOf } = ports;
  return async (event) => {
    try {
      const address = await addressOf(event);
      const principal = await verified(event, address, ports);
      return { isAuthorized: true, context: { principal: JSON.stringify(principal), address } };
    } catch (thrown) {
      const error = asCustodyError(thrown);
      if (FAULTS.includes(error.code)) ports.log(error);
      ports.refused?.(error.code, shownToken(event));
      const message = error.code === 'internal' ? 'the token cannot be checked now' : error.message;
      return { isAuthorized: false, context: { code: error.code, message, hint: error.hint ?? '' } };
    }
  };
}

async function verified(
  event: APIGatewayRequestAuthorizerEventV2,
  address: string,
  { verifier, failures }: AuthorizerPorts,
): Promise<Principal> {
  const token = bearerToken(event);
  failures.check(address, token);
  try {
    const principal = await verifier().verify(token);
    failures.proved(address, token);
    recordedPrincipal(principal); // throws for an identity that no leaf could hold
    return principal;
  } catch (error) {
    if (asCustodyError(error).guess) failures.failed(address, token);
    throw error;
  }
}

function bearerToken(event: APIGatewayRequestAuthorizerEventV2): string {
  const token = shownToken(event);
  if (token !== undefined) return token;
  throw new CustodyError('token-missing', 'this needs a bearer token', { hint: 'log in: custody login' });
}

function shownToken({ headers }: APIGatewayRequestAuthorizerEventV2): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers?.['authorization'] ?? '')?.[1];
}
