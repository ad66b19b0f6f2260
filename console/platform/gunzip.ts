/** In place of core/protocols/kubernetes/bodies/gunzip.ts: a browser inflates nothing at once, so a compressed body is shown as it was. */
import { CustodyError } from '#core/errors.ts';

export function gunzip(): never {
  throw new CustodyError('format-invalid', 'is compressed');
}
