import { inWords, type PolicyStatementJson } from './role-policies.ts';

/** A call as a resource's policy sees it: with the keys of its context that are there. */
export interface Asked {
  readonly action: string;
  /** As `inWords` writes it: `GatewayEvidenceBucket/sessions/a`. */
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

/**
 * The statement of a policy that refuses a call; undefined when none does. Conditions are executed as IAM documents them, with all
 * operators that the stack uses; another one throws.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function refusedBy(statements: readonly PolicyStatementJson[], asked: Asked): string | undefined {
  const denial = statements.find(
    (statement) =>
      statement.Effect === 'Deny' &&
      [statement.Action].flat().some((action) => matches(action, asked.action)) &&
      placesOf(statement).some((place) => matches(place, asked.resource)) &&
      Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
        Object.entries(keys).every(([key, values]) => holds(operator, asked.context[key], values)),
      ),
  );
  return denial === undefined ? undefined : (denial.Sid ?? 'a statement without a name');
}

function placesOf({ Resource }: PolicyStatementJson): string[] {
  return (Array.isArray(Resource) ? Resource : [Resource]).map(inWords);
}

function holds(operator: string, found: string | undefined, values: unknown): boolean {
  const expected = (Array.isArray(values) ? values : [values]).map((value) =>
    typeof value === 'number' ? String(value) : inWords(value),
  );
  const like = (one: string | undefined) =>
    one !== undefined && expected.some((value) => matches(value.replaceAll(/\$\{[^}]+\}/g, '*'), one));
  switch (operator) {
    case 'Null':
      return (found === undefined) === (expected[0] === 'true');
    case 'Bool':
    case 'StringEquals':
    case 'ArnEquals':
      return found !== undefined && expected.includes(found);
    // A negated operator holds where the key is not there.
    case 'ArnNotEquals':
    case 'ArnNotLike':
      return !like(found);
    case 'NumericGreaterThan':
      return found !== undefined && Number(found) > Number(expected[0]);
    case 'NumericLessThan':
      return found !== undefined && Number(found) < Number(expected[0]);
    default:
      throw new Error(`this judge does not know the operator ${operator}`);
  }
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.?+^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}
