/** What of a target's recordings nobody sees without `unredacted`. */
import type { Config, Target } from './config.ts';
import { madeSandboxOf } from './made-sandboxes.ts';

type Rules = NonNullable<Target['redact']>;

/**
 * By custody.yaml as it is now; undefined where all may be seen. A sandbox holds its source's data, so it leaves out what that does, too.
 * `all`: the file has the target no more, and with it what it left out; where it leaves out anything of any, that may have been it, too.
 */
export function leftOutOf(
  name: string,
  config: Pick<Config, 'targets' | 'rules'>,
): Rules | 'all' | undefined {
  const target = config.targets.get(name);
  if (target === undefined) return usesRedaction(config) ? 'all' : undefined;
  const from = madeSandboxOf(target)?.from;
  const source = from === undefined ? undefined : config.targets.get(from)?.redact;
  const [one, more] = [target.redact, source].filter((rules) => rules !== undefined);
  const rules = one === undefined || more === undefined ? one : both(one, more);
  return rules === undefined || rules.columns.length + rules.patterns.length === 0 ? undefined : rules;
}

function usesRedaction({ targets, rules }: Pick<Config, 'targets' | 'rules'>): boolean {
  return (
    rules.some(({ unredacted }) => unredacted === true) ||
    [...targets.values()].some(({ redact }) => redact !== undefined)
  );
}

function both(one: Rules, other: Rules): Rules {
  const { columns, patterns } = one;
  return {
    columns: [...new Set([...columns, ...other.columns])],
    patterns: [...new Set([...patterns, ...other.patterns])],
  };
}
