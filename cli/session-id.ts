import { CustodyError } from '#core/errors.ts';

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isSessionId(text: string): boolean {
  return ID.test(text);
}

/** A request's id has the same form. Throws `not-found`. */
export function requireRequestId(text: string): string {
  if (isSessionId(text)) return text;
  throw new CustodyError('not-found', `${text} is not a request's id`, {
    hint: 'custody requests lists them',
  });
}

/** As is a run's. Throws `not-found`. */
export function requireRunId(text: string): string {
  if (isSessionId(text)) return text;
  throw new CustodyError('not-found', `${text} is not a run's id`, { hint: 'custody run list lists them' });
}

/** Throws `not-found` unless it has a session id's form: no path of the API is made from anything else. */
export function requireSessionId(text: string): string {
  if (isSessionId(text)) return text;
  throw new CustodyError('not-found', `${text} is not a session id`, { hint: 'custody sessions lists them' });
}
