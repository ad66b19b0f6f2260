/** What went wrong at the identity provider, for people. */
import * as oauth from 'oauth4webapi';
import { Problem } from '../api/problem.ts';

export function signInProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  if (thrown instanceof oauth.AuthorizationResponseError) return refusal(thrown);
  if (thrown instanceof oauth.ResponseBodyError) return refusal(thrown);
  if (thrown instanceof TypeError)
    return new Problem('issuer-unreachable', 'the identity provider cannot be asked', {
      hint: 'look at your network, and sign in again; an operator has to let the console’s address ask it (CORS)',
    });
  return new Problem('token-invalid', 'what the identity provider sent is not what was asked for', {
    hint: 'sign in again; tell the operator when it stays',
  });
}

/** In the provider's words, where it has some. */
function refusal({
  error,
  error_description: words,
}: {
  error: string;
  error_description?: string;
}): Problem {
  if (error === 'access_denied')
    return new Problem('access-denied', words ?? 'the sign-in was refused or given up', {
      hint: 'sign in again',
    });
  return new Problem('token-invalid', `the identity provider refused: ${words ?? error}`, {
    hint: 'sign in again; tell the operator when it stays',
  });
}

/** Nothing will be different when it is tried again: the refresh token is over, or what came is not good. */
export function isRefused(thrown: unknown): boolean {
  return !(thrown instanceof TypeError) && !isTheirFault(thrown);
}

/** A provider that is busy or being started again. */
function isTheirFault(thrown: unknown): boolean {
  const { cause, status } = thrown as { cause?: unknown; status?: unknown };
  const answered = cause instanceof Response ? cause.status : status;
  return typeof answered === 'number' && (answered >= 500 || answered === 429);
}
