/** What each protocol knows of its commands' shapes; `protocols/shapes.ts` lists them. */
import type { ReplayFrame } from '../replay/step.ts';
import type { DeclaredCommand } from './schema.ts';
import type {
  SeenAnswer,
  SeenCommand,
  SeenLiteral,
  SeenValue,
  StreamKind,
  UnreadableCommand,
} from './seen.ts';

/** A command of a contract, as far as it is compared with what is seen. */
export interface DeclaredShape {
  readonly shape: string;
  readonly text: string;
  /** In the order of `SeenCommand.values`: an open place by its name (`$1`), or what has to stand there. */
  readonly places: readonly ({ readonly hole: string } | { readonly constant: SeenValue })[];
}

/** By the name of the open place. */
export type GivenValues = ReadonlyMap<string, string | null | readonly string[]>;

/** One protocol's commands, as data and pure functions. */
export interface CommandShapes {
  /** Throws `format-invalid`, in words for whoever wrote it: it does not parse, is several, or could not be checked. */
  declare(command: DeclaredCommand): DeclaredShape;
  /** Whether a contract may let this setting be SET: no command means something else by it. Without it, none may. */
  maySet?(setting: string): boolean;
  /** The command with these values in its open places, as a client sends it. Throws `format-invalid` for a value that does not fit. */
  render(command: DeclaredCommand, values: GivenValues): RunnableCommand;
  /** The part of a contract's command that allows this one: `open` says of each of its values whether it is an open place, $1 onwards. */
  write(seen: SeenCommand, open: readonly boolean[]): Pick<DeclaredCommand, 'statement' | 'argv' | 'call'>;
  /**
   * Each command of a recorded session, in the order in which they were answered, whether or not a contract was in force. It never
   * throws for what the bytes are. Memory is bounded: `take` is given rows and bytes as they pass.
   */
  executions(frames: AsyncIterable<ReplayFrame>, take: TakeParts): AsyncIterable<SeenExecution>;
}

export type RunnableCommand =
  | { readonly statement: string; readonly values: readonly (string | null)[] }
  | { readonly command: string }
  /** Of a declared call nothing is open any more. */
  | { readonly call: NonNullable<DeclaredCommand['call']> };

/** One command of a session with what came of it. */
export interface SeenExecution {
  readonly command: SeenCommand | UnreadableCommand;
  /** Microseconds since the session's start: when the client sent it. Its place in the recording. */
  readonly at: number;
  readonly answer: SeenAnswer;
  /** It passes beside any contract that allows it: BEGIN, or SET of a harmless setting. */
  readonly beside?: 'transactions' | 'settings';
  /** It only takes back what is not committed: nothing forbids that. */
  readonly undoes?: true;
  /** It may commit while it runs: what it did before it failed may stay. */
  readonly commits?: true;
  /** Of SET: the setting and its value. */
  readonly sets?: { readonly setting: string; readonly value: string | null };
  /** The answer's stream is what the client gave. */
  readonly takes?: StreamKind;
  /** Its answer goes on, if the client asks for more. */
  readonly hasMore?: true;
  /** It goes on with the answer of the execution of this number, and is no other; its answer has the rows of both. */
  readonly goesOnWith?: number;
}

/** Whoever wants more of an execution than its answer: called while it is read, before the execution is given. */
export interface TakeParts {
  /** Undefined where nobody wants this one's rows: they are counted all the same. Called where there are none, too. */
  rows?(command: SeenCommand, columns: readonly string[]): TakeRow | undefined;
  /** The first bytes of a stream; its SHA-256 is of all. */
  bytes?(command: SeenCommand, stream: StreamKind, first: Uint8Array): void;
  /** Of the executions given so far those from this number on (0: the first) were taken back, with their transaction. */
  undone?(from: number): void;
  /** What was given so far can no longer be taken back. */
  settled?(): void;
  /** A note of the recording, in its place between the executions. */
  note?(note: Readonly<Record<string, unknown>>, at: number): void;
}

/** `isWhole`: false where a value is longer than is looked at, and only its beginning is there. */
export type TakeRow = (row: readonly (SeenLiteral | null)[], isWhole: boolean) => void;
