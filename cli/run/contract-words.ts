/** What a contract lets somebody do, in words: for people, and for agents. */
import { durationText } from '#core/access/duration.ts';
import type { ContractCommand, WorkflowTask } from '../runs-api.ts';

/** Markdown: its commands with what their values may be, and what happens besides. Not safe for a terminal by itself. */
export function contractLines(task: WorkflowTask): string[] {
  return [
    ...task.does.flatMap((command) => [...commandLines(command), '']),
    ...Object.entries(task.sets).map(([name, terms]) => `- SET ${name}: ${termsText(terms)}`),
    ...Object.entries(task.inputs).map(
      ([name, { of, stream, from, input }]) =>
        `- input ${name}: the ${stream} of ${of}${originText(from, input)}`,
    ),
    ...Object.entries(task.outputs).map(
      ([name, { of, columns, stream, keep }]) =>
        `- output ${name}: ${columns?.join(', ') ?? stream} of ${of}${keep ? ', kept in the result' : ''}`,
    ),
    `- ${orderText(task)}`,
    `- ${deviationText(task)}`,
  ];
}

function commandLines({ name, statement, argv, values, times, answers }: ContractCommand): string[] {
  const shown = statement ?? argv?.join(' ') ?? '';
  return [
    `${name}: ${timesText(times)}${answerText(answers)}`,
    ...shown
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`),
    ...Object.entries(values).map(([hole, terms]) => `  - ${hole}: ${termsText(terms)}`),
  ];
}

function timesText({ min, max }: ContractCommand['times']): string {
  if (min === max) return min === 1 ? 'once' : `${min} times`;
  return min === 0 ? `up to ${max} times` : `${min} to ${max} times`;
}

function answerText({ rows, affected, withinMs }: ContractCommand['answers']): string {
  const said = [
    rows && `brings ${rowsText(rows)}`,
    affected && `changes ${rowsText(affected)}`,
    withinMs && `within ${durationText(withinMs)}`,
  ].filter((one) => typeof one === 'string');
  return said.length === 0 ? '' : `; ${said.join(', ')} each time`;
}

function betweenText({ min, max }: { readonly min: number; readonly max?: number | undefined }): string {
  if (max === undefined) return `at least ${min}`;
  return min === max ? `${min}` : `${min} to ${max}`;
}

function rowsText(range: Parameters<typeof betweenText>[0]): string {
  return `${betweenText(range)} ${range.min === 1 && range.max === 1 ? 'row' : 'rows'}`;
}

/** `integer, at most 2000, from find.orders.order_id` */
export function termsText({
  type,
  min,
  max,
  oneOf,
  pattern,
  maxLength,
  from,
  input,
  many,
  ...terms
}: ContractCommand['values'][string]): string {
  return [
    type,
    min === undefined ? undefined : `at least ${min}`,
    max === undefined ? undefined : `at most ${max}`,
    oneOf === undefined ? undefined : `one of ${oneOf.join(', ')}`,
    pattern === undefined ? undefined : `of the form ${pattern}`,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
    from === undefined ? undefined : `only values of ${from}`,
    input === undefined ? undefined : `the input ${input} of the run`,
    terms.nullable ? 'or NULL' : undefined,
    many === undefined ? undefined : `a list of at most ${many}`,
  ]
    .filter((one) => one !== undefined)
    .join(', ');
}

function originText(from: string | undefined, input: string | undefined): string {
  if (from !== undefined) return `, exactly the bytes of ${from}`;
  return input === undefined ? '' : `, exactly the input ${input} of the run`;
}

function orderText({ order, allow }: WorkflowTask): string {
  const beside = allow.length === 0 ? 'nothing beside them' : `beside them ${allow.join(' and ')}`;
  return `${order === 'strict' ? 'in this order' : 'in any order'}, ${beside}`;
}

function deviationText({ onDeviation, ask }: WorkflowTask): string {
  switch (onDeviation) {
    case 'record':
      return 'anything else goes on, and the result says so';
    case 'stop':
      return 'anything else is refused before it reaches the target, and the session ends';
    case 'ask': {
      const { approvals = 1, any = [], all = [], waitSeconds = 0 } = ask ?? {};
      const who = [...any, ...all].join(', ');
      return `anything else waits up to ${durationText(waitSeconds * 1000)} for ${approvals} approval${approvals === 1 ? '' : 's'} of ${who}`;
    }
  }
}
