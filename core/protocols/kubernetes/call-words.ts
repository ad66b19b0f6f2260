/** A call in one line, for people: `create pods/exec prod/web-0`. */
import type { Call } from './call.ts';

export function callWords(call: Call): string {
  if (call.kind === 'path') return `${call.verb} ${call.path}`;
  const { verb, namespace, name } = call;
  return `${verb} ${resourceWords(call)} ${namespace}/${name}`;
}

/** As kubectl writes it, with the group behind and what is below it last. */
export function resourceWords({
  resource,
  group,
  subresource,
}: {
  readonly resource: string;
  readonly group: string;
  readonly subresource?: string | undefined;
}): string {
  const what = group === '' ? resource : `${resource}.${group}`;
  return subresource === undefined ? what : `${what}/${subresource}`;
}
