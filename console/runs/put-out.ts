import { type ResultOutput, type Run, resultsOf } from '../api/runs.ts';

/** What a task put out, as the newest result that kept its contract has it. */
export interface Put {
  readonly output: ResultOutput;
  /** Of the column, where one is named; else of all of it. */
  readonly digest: string;
}

/** `origin`: `task.output` or `task.output.column`. Undefined where no result that the caller may see has it. */
export function putOut({ tasks }: Pick<Run, 'tasks'>, origin: string): Put | undefined {
  const [name, part, column] = origin.split('.');
  const task = tasks.find((one) => one.name === name);
  const kept = task === undefined ? [] : resultsOf(task).filter(({ verdict }) => verdict === 'kept');
  const output = kept.flatMap(({ outputs }) => outputs).findLast((one) => one.name === part);
  return output && { output, digest: digestOf(output, column) };
}

export function digestOf(output: ResultOutput, column?: string): string {
  if (!('rows' in output)) return output.sha256;
  return output.columns.find(({ name }) => name === column)?.digest ?? output.digest;
}
