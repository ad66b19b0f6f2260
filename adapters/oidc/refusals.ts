import {
  FetchError,
  JwkInvalidKtyError,
  JwkInvalidUseError,
  JwtExpiredError,
  JwtInvalidAudienceError,
  JwtInvalidIssuerError,
  JwtInvalidSignatureAlgorithmError,
  JwtInvalidSignatureError,
  JwtNotBeforeError,
  JwtParseError,
  JwtWithoutValidKidError,
  KidNotFoundInJwksError,
  WaitPeriodNotYetEndedJwkError,
} from 'aws-jwt-verify/error';

/** The token has header parameters that are critical and not understood. */
export class CriticalHeaderError extends Error {}

type Thrown = abstract new (...given: never) => Error;

const REASONS: readonly (readonly [kind: Thrown, reason: string])[] = [
  [CriticalHeaderError, 'it has critical header parameters'],
  [JwtParseError, 'it is not a JWT'],
  [JwtExpiredError, 'it has expired'],
  [JwtNotBeforeError, 'it is not valid yet'],
  [JwtInvalidIssuerError, 'it is of another issuer'],
  [JwtInvalidAudienceError, 'it is for another audience'],
  [JwtInvalidSignatureAlgorithmError, 'its algorithm is not the one of its key'],
  [JwtInvalidSignatureError, 'its signature is wrong'],
  [JwtWithoutValidKidError, 'it names no key'],
  [KidNotFoundInJwksError, 'it names a key that the issuer does not publish'],
  [WaitPeriodNotYetEndedJwkError, 'it names a key that was looked for in vain a moment ago'],
  [JwkInvalidUseError, 'its key is not for signatures'],
  [JwkInvalidKtyError, 'its key is of a type that is not taken'],
  [FetchError, 'the keys of its issuer cannot be fetched'],
];

/**
 * Why a token is not valid, in words of ours alone. The library's own messages quote what they decoded from the token; what
 * was given as a token may be a password, and a token that is not valid may still hold secrets (security case 15).
 */
export function reasonOf(thrown: unknown): string {
  const known = REASONS.find(([kind]) => thrown instanceof kind);
  return known?.[1] ?? 'it does not verify';
}
