import { type Conditions, holdAll } from './iam/conditions.ts';
import { contextOf, isLike } from './iam/patterns.ts';
import { inWords, type PolicyStatementJson } from './role-policies.ts';

/** A call as a resource's policy sees it: with the keys of its context that are there. */
export interface Asked {
  readonly action: string;
  /** As `inWords` writes it: `GatewayEvidenceBucket/sessions/a`. */
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/** The statement of a policy, as a template has it, that refuses a call; undefined when none does. */
export function refusedBy(statements: readonly PolicyStatementJson[], asked: Asked): string | undefined {
  const context = contextOf(asked.context);
  const denial = statements.find(
    (statement) =>
      statement.Effect === 'Deny' &&
      [statement.Action].flat().some((action) => isLike(action, asked.action)) &&
      placesOf(statement).some((place) => isLike(place, asked.resource)) &&
      holdAll(conditionsOf(statement), context),
  );
  return denial === undefined ? undefined : (denial.Sid ?? 'a statement without a name');
}

function placesOf({ Resource }: PolicyStatementJson): string[] {
  return (Array.isArray(Resource) ? Resource : [Resource]).map(inWords);
}

/** What CloudFormation fills in may be anything. */
function conditionsOf({ Condition = {} }: PolicyStatementJson): Conditions {
  const words = (value: unknown) =>
    typeof value === 'number' ? value : inWords(value).replaceAll(/\$\{[^}]+\}/g, '*');
  return Object.fromEntries(
    Object.entries(Condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(
        Object.entries(keys).map(([key, values]) => [
          key,
          (Array.isArray(values) ? values : [values]).map(words),
        ]),
      ),
    ]),
  );
}
