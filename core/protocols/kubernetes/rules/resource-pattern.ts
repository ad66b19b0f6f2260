/** `pods`, `pods/exec`, `pods/*`, `deployments.apps/scale`, `*.apps`, `*`: resources as kubectl and rules write them. */
import type { ResourceCall } from '../call.ts';

export interface ResourcePattern {
  /** `*`: any. */
  readonly resource: string;
  /** Undefined: any. `''` is the core group. */
  readonly group: string | undefined;
  /** `none`: the resource itself alone. `any`: that, and whatever is below. `some`: what is below, and not the resource. */
  readonly below: 'none' | 'any' | 'some' | { readonly subresource: string };
}

/** Of a text that the schema takes. */
export function resourcePattern(text: string): ResourcePattern {
  const [what = '', subresource] = text.split('/', 2);
  const dot = what.indexOf('.');
  const resource = dot === -1 ? what : what.slice(0, dot);
  const group = dot === -1 ? (resource === '*' ? '*' : '') : what.slice(dot + 1);
  return { resource, group: group === '*' ? undefined : group, below: belowOf(resource, subresource) };
}

/** As in RBAC `*` has what is below resources, too; who names a resource has to name that. */
function belowOf(resource: string, subresource: string | undefined): ResourcePattern['below'] {
  if (subresource === undefined) return resource === '*' ? 'any' : 'none';
  return subresource === '*' ? 'some' : { subresource };
}

export function fitsResource({ resource, group, below }: ResourcePattern, call: ResourceCall): boolean {
  if (resource !== '*' && resource !== call.resource) return false;
  if (group !== undefined && group !== call.group) return false;
  if (below === 'any') return true;
  if (below === 'none') return call.subresource === undefined;
  return below === 'some' ? call.subresource !== undefined : call.subresource === below.subresource;
}
