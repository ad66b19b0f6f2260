import { createHash } from 'node:crypto';
import { type Config, parseConfig } from '#core/access/config.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { compileContract } from '#core/tasks/contract.ts';
import type { Run } from '#core/tasks/run.ts';
import { newRun } from '#core/tasks/run-lifecycle.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';
import type { Task, Workflow, WrittenWorkflow } from '#core/tasks/workflows.ts';

/** Commands as they are written: a protocol without a parser. */
export const PLAIN_SHAPES = {
  declare: ({ statement = '', values }) => ({
    shape: createHash('sha256').update(statement).digest('hex'),
    text: statement,
    places: Object.keys(values).map((hole) => ({ hole })),
  }),
} as Pick<CommandShapes, 'declare'> as CommandShapes;

/** The file with its workflows compiled, as `readConfig` gives it, where no parser of commands is needed. */
export function compiledConfig(text: string): Config {
  const config = parseConfig(text, 'custody.yaml');
  const compiled = [...config.workflows].map(([name, written]) => [name, compile(name, written)] as const);
  return { ...config, compiled: new Map(compiled) };
}

function compile(name: string, { written: text, ...declared }: WrittenWorkflow): Workflow {
  const tasks = Object.entries(declared.tasks).map(([task, of]): [string, Task] => [
    task,
    { name: task, declared: of, protocol: 'postgres', contract: compileContract(of, PLAIN_SHAPES) },
  ]);
  const digest = createHash('sha256').update(text).digest('hex');
  return { name, digest, text, declared, tasks: new Map(tasks) };
}

export const RUN_KEY = Buffer.alloc(32, 7);

/** A run that was started at that moment. */
export function runOf(workflow: Workflow, now: Date, more: { n?: number; trace?: string } = {}): Run {
  const { n = 1, ...start } = more;
  const by = { issuer: 'https://id.example', subject: 'starter' };
  const id = newSessionId(now.getTime(), Buffer.alloc(10, n));
  return newRun(workflow, { by, policy: 'a'.repeat(64), ...start }, { id, key: RUN_KEY, now });
}

/** Three tasks on one target, one after the other. `onDeviation`, `by`, `more`: of each task. */
export function refunds({
  onDeviation = 'stop',
  by = '{ groups: [clerks] }',
  more = '',
}: {
  onDeviation?: string;
  by?: string;
  more?: string;
} = {}): string {
  const task = (name: string, after: string, does: string, extra = ''): string =>
    `      ${name}: { target: db, by: ${by}, after: [${after}], within: 10m ${more}, contract: { onDeviation: ${onDeviation}, does: [${does}] ${extra} } }`;
  const from = '{ type: integer, from: find.returned.id }';
  return `workflows:
  refunds:
    tasks:
${task('find', '', '{ name: list, statement: SELECT id }', ', outputs: { returned: { of: list, columns: [id] } }')}
${task('refund', 'find', `{ name: pay, statement: UPDATE $1, values: { $1: ${from} } }`)}
${task('report', 'refund', '{ name: sum, statement: SELECT sum }')}
`;
}
