import type { Conditions } from './conditions.ts';
import type { Policy, Statement } from './judge.ts';
import type { Attached } from './template-account.ts';

/** A policy as it would be without one part of it, by which it refuses something. */
export interface Weakened {
  /** Which part. */
  readonly without: string;
  readonly of: Attached;
  readonly policy: Policy;
}

/**
 * Every Deny and each of its actions and resources, and every condition of any statement and each of the values that it names. For each, a
 * call has to be answered otherwise without it: else nothing would notice that it is gone.
 */
export function guardsOf(attached: Attached): Weakened[] {
  return attached.policy.flatMap((statement, at) => {
    const name = `${attached.id}: ${statement.Sid ?? [statement.Action].flat().join()}`;
    const weakened = (what: string, other: Statement | undefined): Weakened => ({
      without: `${name}, ${what}`,
      of: attached,
      policy: attached.policy.toSpliced(at, 1, ...(other === undefined ? [] : [other])),
    });
    return [
      ...(statement.Effect === 'Deny'
        ? [weakened('the Deny', undefined), ...parts(statement, weakened)]
        : []),
      ...conditions(statement, weakened),
    ];
  });
}

type Make = (what: string, other: Statement | undefined) => Weakened;

function parts(statement: Statement, weakened: Make): Weakened[] {
  return (['Action', 'Resource'] as const).flatMap((element) => {
    const all = [statement[element] ?? []].flat();
    if (all.length < 2) return [];
    return all.map((one) => weakened(one, { ...statement, [element]: all.filter((other) => other !== one) }));
  });
}

function conditions(statement: Statement, weakened: Make): Weakened[] {
  const all = statement.Condition ?? {};
  return Object.entries(all).flatMap(([operator, keys]) =>
    Object.entries(keys).flatMap(([key, values]) => {
      const { [key]: _gone, ...others } = keys;
      const less = (left: Conditions[string]) => ({ ...statement, Condition: { ...all, [operator]: left } });
      const listed = Array.isArray(values) && values.length > 1 ? (values as unknown[]) : [];
      return [
        weakened(`${operator} ${key}`, less(others)),
        ...listed.map((value) =>
          weakened(
            `${operator} ${key} ${String(value)}`,
            less({ ...keys, [key]: listed.filter((other) => other !== value) }),
          ),
        ),
      ];
    }),
  );
}
