/** A recorded PostgreSQL session, step by step. */
import type { Shown, StepBase, Undecoded } from '../step.ts';

export interface ShownColumn extends Undecoded {
  readonly name: string;
  /** OID of its type; 0 when the server did not say. */
  readonly type: number;
}

/** What an ErrorResponse or NoticeResponse says. */
export interface ShownReport extends Undecoded {
  readonly severity: string;
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** Where in the statement, counted in characters from 1. */
  readonly position?: string;
  readonly where?: string;
  /** Bytes of those that are not whole here, by their names, such as `detail`. */
  readonly cut?: Readonly<Record<string, number>>;
}

export interface ShownCopy {
  readonly format: 'text' | 'binary';
  /** CopyData messages of both directions, and the bytes in them. */
  readonly messages: number;
  readonly bytes: number;
  /** The first of those bytes. */
  readonly sample: Shown;
}

export interface ShownLogin extends Undecoded {
  readonly user: string;
  readonly database: string;
  readonly application?: string;
  /** `3.0`; what both sides kept to, where the server negotiated. */
  readonly protocol: string;
  /** How the client was asked to prove itself. */
  readonly authentication: readonly string[];
  /** ParameterStatus of the server, such as server_version. */
  readonly settings: ReadonlyMap<string, string>;
}

/** The mark is of its channel. */
export interface ShownNotification extends Undecoded {
  readonly channel: string;
  readonly payload: Shown;
  readonly processId: number;
}

export type StepKind =
  | 'login'
  | 'query'
  /** A statement was parsed, and its execution not asked for yet. */
  | 'prepare'
  | 'execute'
  | 'function-call'
  | 'copy-in'
  | 'copy-out'
  /** Replication; the data is shown raw. */
  | 'copy-both'
  /** An answer to nothing the recording holds. */
  | 'unmatched'
  | 'notification'
  | 'notice'
  /** An error outside a statement, such as the end of the session by an administrator. */
  | 'error'
  | 'cancel'
  | 'note'
  /** The bytes are not what the protocol allows; `text` says how. */
  | 'damaged'
  | 'end';

export type Outcome =
  | 'completed'
  | 'failed'
  /** The portal has more rows. */
  | 'suspended'
  /** An empty statement. */
  | 'empty'
  /** The server passed over it, as one before it in the same pipeline failed. */
  | 'skipped'
  /** The recording ends, or goes on with something else, before its answer. */
  | 'unfinished';

/** The mark is of its name. */
export interface Step extends StepBase, Undecoded {
  readonly kind: StepKind;
  readonly outcome?: Outcome;
  /** Of login, query, prepare, execute and copies. */
  readonly statement?: Shown;
  /** What a name in the statement stood for: of EXECUTE the prepared statement, of FETCH the cursor's. */
  readonly runs?: Shown;
  /** Why `statement` or `runs` may not be what ran, or values are missing. */
  readonly doubt?: string;
  /** Name of the prepared statement; empty for the unnamed one. */
  readonly name?: string;
  /** Of a query: which of its statements' answers this is, from 1. */
  readonly part?: number;
  /** Bind values, or arguments of a function call; null is NULL. */
  readonly values?: readonly (Shown | null)[];
  readonly columns?: readonly ShownColumn[];
  /** The first rows; null is NULL. A row that is cut may lack its last values. */
  readonly rows?: readonly (readonly (Shown | null)[])[];
  /** All rows, with those that are not kept. */
  readonly rowCount?: number;
  /** Command tag, such as `INSERT 0 1`. */
  readonly tag?: string;
  readonly copy?: ShownCopy;
  readonly error?: ShownReport;
  /** The transaction that it came to, as the last ReadyForQuery before it says; absent where there was none. */
  readonly transaction?: 'open' | 'failed';
  readonly notices?: readonly ShownReport[];
  /** Notices that came and are not in `notices`. */
  readonly noticesLeftOut?: number;
  readonly login?: ShownLogin;
  readonly notification?: ShownNotification;
  /** Bytes of the messages that make up the step. */
  readonly bytes?: { readonly client: number; readonly server: number };
}

/** What a decoder keeps at most. Bytes, where nothing else is said. */
export interface ReplayLimits {
  /** Rows kept of one answer. */
  readonly rows: number;
  /** Of one value. */
  readonly value: number;
  /** Of one statement, message or payload. */
  readonly text: number;
  /** Of all rows of one answer. */
  readonly answer: number;
  /** Of the data of one COPY. */
  readonly copy: number;
  /** Of one protocol message; a longer one is read as far as this. */
  readonly message: number;
  /** Of all prepared statements, portals and values that wait for an answer. */
  readonly memory: number;
  /** Messages that wait for an answer, those that only repeat what is before them not counted. */
  readonly pending: number;
}

export const REPLAY_LIMITS: ReplayLimits = {
  rows: 200,
  value: 4096,
  text: 64 << 10,
  answer: 1 << 20,
  copy: 4096,
  message: 256 << 10,
  memory: 128 << 20,
  pending: 1_000_000,
};
