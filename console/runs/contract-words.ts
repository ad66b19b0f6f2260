/** What a contract lets a task do, piece by piece. */
import type { ContractCommand, RunTask, ValueTerms } from '../api/runs.ts';
import { durationText } from '../parts/duration.ts';
import { timesText } from './standing.ts';

type Between = NonNullable<ContractCommand['answers']['rows']>;

/** `once`, `1 to 3 times`. */
export function oftenText({ min, max }: ContractCommand['times']): string {
  if (min === max) return timesText(min);
  return min === 0 ? `at most ${timesText(max)}` : `${min} to ${max} times`;
}

/** What each answer has to be: `1 to 3 rows`, `within 5 s`. */
export function answerTexts({ rows, affected, columns, error, withinMs }: ContractCommand['answers']) {
  return [
    rows && rowsText(rows),
    affected && `${rowsText(affected)} changed`,
    columns && `columns ${columns.join(', ')}`,
    error === 'any' ? 'may fail' : undefined,
    withinMs === undefined ? undefined : `within ${durationText(withinMs)}`,
  ].filter((one) => one !== undefined);
}

function rowsText({ min, max }: Between): string {
  if (max === undefined) return `${min} rows or more`;
  if (min !== max) return `${min} to ${max} rows`;
  return min === 1 ? '1 row' : `${min} rows`;
}

/** Terms of an open place, the type first. */
export function placeTexts(
  terms: Omit<ValueTerms, 'from' | 'input' | 'many'> & Partial<ValueTerms>,
): readonly string[] {
  const { type, min, max, oneOf, pattern, maxLength, many, nullable } = terms;
  return [
    type,
    min === undefined ? undefined : `≥ ${min}`,
    max === undefined ? undefined : `≤ ${max}`,
    oneOf === undefined ? undefined : oneOf.map(String).join(' or '),
    pattern === undefined ? undefined : `as /${pattern}/`,
    maxLength === undefined ? undefined : `${maxLength} characters or fewer`,
    many === undefined ? undefined : `a list of ${many} or fewer`,
    nullable ? 'NULL too' : undefined,
  ].filter((one) => one !== undefined);
}

/** What happens with anything else. */
export function otherwiseText({ onDeviation, ask }: RunTask): string {
  switch (onDeviation) {
    case 'record':
      return 'Anything else goes on, and the result says so.';
    case 'stop':
      return 'Anything else is refused before it reaches the target, and the session ends.';
    case 'ask': {
      const { approvals = 1, any = [], all = [], waitSeconds = 0 } = ask ?? {};
      const whom = [any.join(' or '), all.join(' and ')].filter((one) => one !== '').join(', with ');
      const often = approvals === 1 ? 'an approval' : `${approvals} approvals`;
      return `Anything else waits for ${often} of ${whom}, for ${durationText(waitSeconds * 1_000)} at most.`;
    }
  }
}

/** The order of the commands, and what may stand beside them. */
export function orderText({ order, allow }: RunTask): string {
  const beside = allow.length === 0 ? 'nothing beside them' : `${allow.join(' and ')} beside them`;
  return `Commands in ${order === 'strict' ? 'this order' : 'any order'}, ${beside}.`;
}
