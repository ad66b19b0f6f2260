import { createInterface } from 'node:readline/promises';
import type { Cli } from '../cli.ts';

/** Whoever sits at this terminal; undefined where nobody does. */
export interface Person {
  ask(question: string): Promise<string>;
}

export function personAt({ stdin, stderr }: Pick<Cli, 'stdin' | 'stderr'>): Person | undefined {
  if (!('isTTY' in stdin) || stdin.isTTY !== true || stderr.isTTY !== true) return undefined;
  return {
    ask: async (question) => {
      // The terminal keeps its own way: a Ctrl-C there ends kubectl as well.
      const lines = createInterface({ input: stdin, output: stderr, terminal: false });
      try {
        return await lines.question(question);
      } finally {
        lines.close();
      }
    },
  };
}
