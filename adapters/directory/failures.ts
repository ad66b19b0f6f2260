import { CustodyError } from '#core/errors.ts';

/** The directory does not say. `detail`: never a token, a credential or a person's data. */
export function cannotSay(detail: string, cause?: unknown): CustodyError {
  return new CustodyError('issuer-unreachable', 'the directory cannot be asked which groups you are in', {
    hint: 'try again; if it stays so, tell whoever runs the gateway',
    detail,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Whoever a directory does not know is nobody whose groups could be told. */
export function notKnown(): CustodyError {
  return new CustodyError('access-denied', 'the directory of groups does not know whom the token is of', {
    hint: 'the account may be new, deleted, or of another organization; tell whoever runs the directory',
  });
}

/** More than anybody looks through: a part of them would let a rule that denies by a group fail. */
export function tooMany(most: number): CustodyError {
  return new CustodyError('access-denied', `the directory has you in more than ${most} groups`, {
    hint: 'that is more than the gateway takes; tell whoever runs the directory',
  });
}

/** The token does not name anybody to the directory. */
export function namesNobody(what: string, hint: string): CustodyError {
  return new CustodyError('token-invalid', `${what}, by which the directory of groups finds people`, {
    hint,
  });
}
