import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';

export type Conditions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Refuses `actions` to everybody whom `conditions` does not exempt, whatever their own policies allow. */
export function denyEverybody(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Conditions = {},
): PolicyStatement {
  return new PolicyStatement({
    sid,
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions: [...actions],
    resources: [...resources],
    conditions,
  });
}
