import type { RunnableCommand } from '../shapes.ts';

/** One session in which commands of a contract are run. */
export interface Executor {
  /** Rejects with the target's or the gateway's refusal. */
  run(command: RunnableCommand): Promise<Executed>;
  end(): Promise<void>;
}

/** What came back of one command. */
export interface Executed {
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly (string | null)[])[];
  /** Rows that it changed. */
  readonly affected?: number;
  /** Of a program: it went to this terminal. */
  readonly exitCode?: number;
}
