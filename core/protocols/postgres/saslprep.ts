import { saslprep } from '@mongodb-js/saslprep';

const ASCII_ONLY = /^[\0-\x7f]*$/;

/**
 * A password as the server hashed it: SASLprep (RFC 4013), and as it is where SASLprep does not allow it, as libpq and
 * the server both do. ASCII is never changed.
 */
export function preparePassword(password: string): string {
  if (ASCII_ONLY.test(password)) return password;
  try {
    return saslprep(password) || password;
  } catch {
    return password;
  }
}
