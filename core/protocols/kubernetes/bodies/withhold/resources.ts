/** Which calls have values that are withheld. */
import type { ResourceCall } from '../../call.ts';
import type { MarkTerms } from './terms.ts';

/** How this call's bodies are marked; undefined where nothing of them is withheld. */
export function termsFor(call: ResourceCall, withhold: readonly string[]): MarkTerms | undefined {
  if (!isCredential(call) && !withhold.some((pattern) => names(pattern, call))) return undefined;
  return {
    isSecret: call.group === '' && call.resource === 'secrets' && call.subresource === undefined,
    isDelete: call.verb === 'delete' || call.verb === 'deletecollection',
  };
}

/** A token that is good for the cluster: whoever saw it in a recording would be let in. Whatever `withhold` says. */
function isCredential({ group, resource, subresource }: ResourceCall): boolean {
  return (
    (resource === 'serviceaccounts' && subresource === 'token') ||
    (resource === 'tokenreviews' && group === 'authentication.k8s.io')
  );
}

/** `secrets` means those of every group, and `secrets` all of its subresources: rather too much is withheld. */
function names(pattern: string, call: ResourceCall): boolean {
  const [whole, subresource] = pattern.split('/', 2) as [string, string?];
  const dot = whole.indexOf('.');
  const resource = dot < 0 ? whole : whole.slice(0, dot);
  const group = dot < 0 ? '*' : whole.slice(dot + 1);
  return (
    isOr(resource, call.resource) &&
    isOr(group, call.group) &&
    (subresource === undefined || isOr(subresource, call.subresource ?? ''))
  );
}

function isOr(pattern: string, name: string): boolean {
  return pattern === '*' || pattern === name;
}
