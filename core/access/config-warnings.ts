import type { Rule } from './config.ts';
import { type Entry, openToAll } from './shared-issuers.ts';

interface Warned {
  readonly issuers: readonly Entry[];
  readonly rules?: readonly Pick<Rule, 'name' | 'allow' | 'when'>[];
}

/** What a gateway takes, since it took it before or it may be meant, and says each time. A list of issuers is not taken like that. */
export function configWarnings({ issuers, rules = [] }: Warned): readonly string[] {
  const open = issuers.flatMap((issuer) => openToAll(issuer) ?? []);
  return [...open.map((words) => `identity.match: ${words}`), ...rules.flatMap(neverOfDevice)];
}

/** Only a connection proves a device: the API never sees one. */
function neverOfDevice({ name, allow, when }: Pick<Rule, 'name' | 'allow' | 'when'>, i: number): string[] {
  const isOfDevice = when?.device === 'registered' || when?.device === 'verified';
  if (!isOfDevice || allow === undefined || allow.includes('connect')) return [];
  return [
    `rules.${i}.when.device: the rule ${name} never allows anything: only connections to targets prove a device, and it does not let anybody connect`,
  ];
}
