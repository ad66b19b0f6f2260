import { CustodyError } from '../errors.ts';

const LOG_IN = 'log in again: custody login';

/**
 * A token that its issuer has truly signed, and that is not good here. Whoever shows it learns why, for nobody else can have
 * made it. `why`: in words of ours, nothing of the token (security case 15). `detail`: for the operator's log.
 */
export function refusedToken(why: string, hint = LOG_IN, detail = why): CustodyError {
  return new CustodyError('token-invalid', `the token is not valid here: ${why}`, { hint, detail });
}

/** As `refusedToken`, for one that another login would not make better. */
export function misissuedToken(why: string): CustodyError {
  return refusedToken(why, 'tell whoever runs the identity provider');
}

/** What has not the form of a token, or says whose it is in vain: any reader sees that, so that it may be said. It is a guess. */
export function junkToken(why: string, hint = LOG_IN): CustodyError {
  const message = `the token is not valid here: ${why}`;
  return new CustodyError('token-invalid', message, { hint, detail: why, guess: true });
}

/**
 * What somebody else may have made. Why it is refused would help them, and is for the operator alone. `guess`: false for what could not be
 * let in, however good its signature were.
 */
export function unprovenToken(detail: string, guess = true): CustodyError {
  return new CustodyError('token-invalid', 'the token is not valid here', { hint: LOG_IN, detail, guess });
}
