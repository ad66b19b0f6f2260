import type { SecureContext } from 'node:tls';
import type { Authorization } from '#core/access/decide.ts';
import type { CustodyError } from '#core/errors.ts';
import type { CallJudge } from '#core/protocols/kubernetes/judge.ts';
import type { CloseReason } from '#core/recording/format.ts';
import type { TaskSession } from '#core/tasks/session.ts';
import type { StreamBindings } from '../../wire/raw-end.ts';
import type { RelayMemory } from '../../wire/relay-memory.ts';
import type { RecordSpace } from './call-tape.ts';

export interface KubernetesOptions {
  /** The certificate that is in force. */
  readonly tls: () => SecureContext;
  /** The target that means by this name (SNI), if any does. */
  readonly targetOf: (serverName: string) => string | undefined;
  readonly memory: RelayMemory;
  readonly bindings: StreamBindings;
  /** Where records are put together. */
  readonly space: RecordSpace;
  /** How long a client may leave bytes that were sent to it without an answer, milliseconds. */
  readonly userTimeoutMs: number;
  /** What lets calls of one session pass. */
  readonly judgeOf: (parts: JudgeParts) => CallJudge;
  readonly wallClock: () => Date;
  /** Calls `over` after so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, over: () => void) => () => void;
  readonly limits?: Partial<SessionLimits>;
}

export interface JudgeParts {
  /** Its id. */
  readonly session: string;
  readonly permission: Authorization<'connect'>;
  /** Makes the grant this session's. */
  claim(): Promise<void>;
  /** Where the session is a task of a run. */
  readonly task: TaskSession | undefined;
  /** Into the recording. */
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** Ends the session. */
  end(reason: CloseReason, error: CustodyError): void;
}

/** Of one session. */
export interface SessionLimits {
  /** It ends when no call was open for so long, milliseconds. */
  readonly idleMs: number;
  /** New calls open another session after so long, milliseconds. */
  readonly longestMs: number;
  /** Calls at once; more are told to come again. */
  readonly calls: number;
  /** A token of the gateway's own is read anew when it is this old, milliseconds: EKS' are good for a quarter of an hour. */
  readonly freshMs: number;
  /** Whoever was sent away by an operator is for so long, milliseconds. */
  readonly awayMs: number;
  /** A client that asks what there is gives up after 32 s, and says nothing of why: it is told before that, milliseconds. */
  readonly patienceMs: number;
}

export const USUAL_LIMITS: SessionLimits = {
  idleMs: 5 * 60_000,
  longestMs: 60 * 60_000,
  calls: 400,
  freshMs: 5 * 60_000,
  awayMs: 60_000,
  patienceMs: 25_000,
};
