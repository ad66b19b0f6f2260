/** In place of core/protocols/kubernetes/bodies/gunzip.ts: a browser inflates nothing at once, so a compressed body is shown as it was. */
import { unreadable } from '#core/protocols/kubernetes/bodies/value.ts';

export function gunzip(): never {
  throw unreadable('is compressed');
}
