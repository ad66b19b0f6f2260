/** What a rule lets pass, in words: for `custody explain`. */
import type { CallPattern, KubernetesRule } from './schema.ts';

interface SaidRule {
  readonly kubernetes?: KubernetesRule | undefined;
  readonly approval?: { readonly statements: 'any' | 'exact' } | undefined;
}

/** A line for each of its parts. */
export function ruleWords({ kubernetes, approval }: SaidRule): readonly string[] {
  const { as, calls, deny = [] } = kubernetes ?? {};
  const groups = as?.groups ?? [];
  const seen = `the cluster sees the user ${as?.user ?? 'custody:{email}'}, in ${listed(groups, 'no group')}`;
  const exact =
    approval?.statements === 'exact' ? ['of these passes only what was approved, call by call'] : [];
  const all = 'all calls pass, as far as the cluster lets them';
  const passing = calls === undefined ? [all] : calls.map((one) => `passes: ${patternWords(one)}`);
  return [seen, ...passing, ...deny.map((one) => `does not pass: ${patternWords(one)}`), ...exact];
}

function patternWords({
  verbs,
  resources,
  namespaces,
  names,
  paths,
  commands,
  privileged,
}: CallPattern): string {
  const shown = [
    listed(verbs, 'all verbs'),
    `of ${listed(paths ?? resources, 'everything')}`,
    ...(namespaces === undefined
      ? []
      : [
          `in ${listed(
            namespaces.map((one) => one || 'no namespace'),
            '',
          )}`,
        ]),
    ...(names === undefined ? [] : [`named ${listed(names, '')}`]),
    ...(commands === undefined ? [] : [`that run ${commands.map((words) => words.join(' ')).join(' or ')}`]),
    ...(privileged === undefined ? [] : [privileged ? 'that reach a node' : 'that reach no node']),
  ];
  return shown.join(' ');
}

function listed(all: readonly string[] | undefined, none: string): string {
  return all === undefined || all.length === 0 ? none : all.join(', ');
}
