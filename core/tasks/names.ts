/** How clients and tokens name the task of a run that a session is. */
import { NAME } from '../access/names.ts';

/** What somebody names: its words alone. */
export interface NamedByClient {
  readonly run: string;
  readonly task: string;
}

/** UUID version 7 (RFC 9562 section 5.7). */
const RUN = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const TASK = new RegExp(`^${NAME}$`);
/** Anything that begins as a run does is meant for one, however it goes on: it is never taken for a task of another kind. */
const OF_RUN = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/(.*)$/is;

/** True for what names a run and a task by their very forms. */
export function isNamed({ run, task }: NamedByClient): boolean {
  return RUN.test(run) && TASK.test(task);
}

/** The task of a run that a token was issued for: `RUN_ID/TASK` in its task claim. Undefined where that names no run. */
export function namedByToken({ task }: { readonly task?: string }): NamedByClient | undefined {
  const [, run, name] = OF_RUN.exec(task ?? '') ?? [];
  return run === undefined ? undefined : { run, task: name! };
}
