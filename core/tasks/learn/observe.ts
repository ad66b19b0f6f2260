/** What sessions did, as far as a contract is learned from it. */
import type { ReplayFrame } from '../../replay/step.ts';
import { isReadable, type SeenCommand } from '../seen.ts';
import type { CommandShapes, SeenExecution, TakeParts } from '../shapes.ts';

/** A session of which somebody says that it did as it should. */
export interface ObservedSession {
  readonly id: string;
  readonly target: string;
  readonly executions: readonly ObservedExecution[];
}

export interface ObservedExecution extends SeenExecution {
  /** The values that came back, by columns. */
  readonly returned?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Values of a column that are remembered: with more of them nothing is said of where they were used. */
const VALUES_MAX = 10_000;

export async function observe(
  session: { readonly id: string; readonly target: string },
  frames: AsyncIterable<ReplayFrame>,
  shapes: CommandShapes,
): Promise<ObservedSession> {
  const returned = new Map<SeenCommand, Map<string, Set<string>>>();
  const executions: ObservedExecution[] = [];
  const taken = new Set<number>();
  const take: TakeParts = {
    rows: (command, columns) => {
      const values = columns.map(() => new Set<string>());
      returned.set(command, new Map(columns.map((column, at) => [column, values[at]!])));
      return (row, isWhole) => {
        if (!isWhole) return;
        for (const [at, value] of row.entries())
          if (typeof value?.text === 'string' && (values[at]?.size ?? VALUES_MAX) < VALUES_MAX)
            values[at]!.add(value.text);
      };
    },
    undone: (from) => {
      for (let at = from; at < executions.length; at += 1) taken.add(at);
    },
  };
  for await (const execution of shapes.executions(frames, take)) {
    const { command } = execution;
    const values = isReadable(command) ? returned.get(command) : undefined;
    executions.push(values === undefined ? execution : { ...execution, returned: values });
  }
  return { ...session, executions: executions.filter((_, at) => !taken.has(at)) };
}
