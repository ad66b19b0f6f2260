import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export interface Child {
  /** The next line of its standard output. */
  line(): Promise<string>;
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  /** Resolves when it is gone, with the signal that ended it. */
  readonly gone: Promise<NodeJS.Signals | null>;
}

/** A TypeScript file of the tests in a process of its own, under the Node that runs the tests. */
export function startChild(script: string, ...args: readonly string[]): Child {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    line: async () => {
      const next = await lines.next();
      if (next.done === true) throw new Error(`${script} ended`);
      return next.value;
    },
    process: child,
    gone: new Promise((resolve) => child.once('close', (_code, signal) => resolve(signal))),
  };
}
