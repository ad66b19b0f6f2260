import { CustodyError } from '../errors.ts';

/** The client learns that, not why: the reason would help a forger. `detail`: nothing of the token. */
export function invalidToken(detail: string): CustodyError {
  return new CustodyError('token-invalid', 'the token is not valid here', {
    hint: 'log in again: custody login',
    detail,
  });
}

/**
 * For a token that its issuer has truly signed, and that says what is not taken here: to tell why helps no forger. `why`: nothing
 * of the token, and of custody.yaml no more than the name of a claim. `detail`: for the operator.
 */
export function unfitToken(
  why: string,
  hint = 'tell whoever runs the identity provider',
  detail = why,
): CustodyError {
  return new CustodyError('token-invalid', `the token is not valid here: ${why}`, { hint, detail });
}
