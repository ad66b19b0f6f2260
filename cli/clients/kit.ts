import type { Executor } from '#core/tasks/exec/executor.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';

/** Variables for a client of one target; undefined: unset it, as it would lead the client elsewhere. */
export type ClientEnv = Readonly<Record<string, string | undefined>>;

export interface NamedTask {
  /** The run's id. */
  readonly run: string;
  readonly task: string;
  /** At the target, where the task has one. */
  readonly login?: string;
  /** W3C traceparent of whoever orchestrates. */
  readonly trace?: string;
}

/** What is wished for a client's environment. */
export interface Wishes {
  /** What a gateway is told where a rule lets clients wait for an approval. */
  readonly reason?: string;
  readonly ticket?: string;
  /** As a task of a run: what the client names it with. */
  readonly as?: NamedTask;
  /** A file that has the secret in place of the environment: see `secretFile`. */
  readonly secretFile?: string;
  /** What programs write does not go to standard output: something else is there. */
  readonly isQuiet?: boolean;
  /** For libpq alone, with what only libpq understands. */
  readonly libpq?: true;
}

/** A client that can be run. */
export interface Prepared {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly env: ClientEnv;
  /** Removes what was made for this client alone; called when it has ended. */
  readonly done?: () => void | Promise<void>;
}

/** What clients of one protocol need; one value each, in `kits.ts`. */
export interface ClientKit {
  /** What `custody connect` runs where it is given nothing. */
  readonly usual: string;
  /** What any client of `target` needs in its environment. Throws `unsupported` for a wish that its clients cannot have. */
  env(cli: Cli, api: Api, target: Target, wishes: Wishes): Promise<ClientEnv>;
  /** What such a file has in it, for programs that read it anew each time; absent where clients need none. */
  secretFile?(target: Target, token: string): string;
  /** One client, with what that one needs besides. */
  prepare(cli: Cli, api: Api, target: Target, command: readonly string[], wishes: Wishes): Promise<Prepared>;
  /** Runs commands of a contract one after the other, in one session. */
  open(cli: Cli, api: Api, target: Target, wishes: Wishes): Promise<Executor>;
}
