/** A recorded Kubernetes session, step by step. */
import type { JsonStep } from '../reader.ts';
import type { Shown, StepBase } from '../step.ts';
import type { ShownData } from '../tally.ts';

export type KubernetesStepKind =
  /** As whom the cluster sees the session, from here on. */
  | 'login'
  /** A request with its answer, once that is over. */
  | 'call'
  /** A call that goes on, when its answer begins; what came of it is told by a step of its own at the end. */
  | 'begun'
  /** A watch, once it is over. */
  | 'watch'
  /** One change that a watch told. */
  | 'event'
  | 'logs'
  | 'exec'
  | 'attach'
  | 'portforward'
  /** One connection through a port-forward, or another call whose stream nobody knows, once it is over. */
  | 'forward'
  /** A step of the protocol that a forwarded connection speaks. */
  | 'carried'
  /** A file that kubectl cp moved, by the header of tar. */
  | 'file'
  /** A line that a person entered in a terminal, as the screen showed it: never evidence by itself. */
  | 'command'
  | 'note'
  | 'damaged'
  | 'end';

export type KubernetesOutcome =
  /** Answered with success; of a command: with exit code 0. */
  | 'completed'
  | 'failed'
  /** The cluster would not: 401 or 403. */
  | 'refused'
  /** The gateway would not; it did not reach the cluster. */
  | 'denied'
  /** The gateway ended it. */
  | 'ended'
  /** One of both sides went away. */
  | 'cut'
  /** The recording ends before it does. */
  | 'unfinished';

/** Whom the cluster is told that it is. */
export interface ShownIdentity {
  readonly user: string;
  readonly groups: readonly string[];
}

export interface ShownBody extends ShownData {
  /** Content-Type as it was. */
  readonly type?: string;
  /** The sample is the body as JSON, which it was not. */
  readonly readAs?: 'json';
  /** `secret`: the sample has marks in the place of values. `digest`: it is not in the recording. */
  readonly why?: 'secret' | 'digest';
}

export interface ShownPair {
  readonly name: string;
  readonly value: string;
}

export interface ShownCall {
  readonly method: string;
  /** The request's target as it was. */
  readonly target: Shown;
  readonly http: string;
  readonly connection: number;
  /** As RBAC has it; absent where nobody can say what was asked. */
  readonly verb?: string;
  /** `pods/exec`, `deployments.apps`; absent for what is no resource. */
  readonly resource?: string;
  readonly version?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Of what is no resource; behind `proxy`, what was asked there. */
  readonly path?: string;
  /** What the query says besides, the first of it. */
  readonly query?: readonly ShownPair[];
  /** Absent for what did not go on to the cluster. */
  readonly as?: ShownIdentity;
  readonly agent?: string;
  readonly status?: number;
  /** Of a Status: its reason and message. */
  readonly reason?: string;
  readonly message?: Shown;
  /** Who answered; the cluster where it is absent. */
  readonly by?: 'gateway';
  readonly request?: ShownBody;
  readonly response?: ShownBody;
}

export interface ShownCut {
  readonly by: string;
  readonly code?: string;
  readonly message?: string;
}

/** One difference between an object before and after. Values are JSON. */
export interface ShownChange {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly before?: Shown;
  readonly after?: Shown;
}

export interface ShownDiff {
  /** The call whose answer had the object as it was before. */
  readonly since: number;
  readonly changes: readonly ShownChange[];
  /** How many more there are. */
  readonly more?: number;
  /** Of an object that was deleted: as it was, JSON. */
  readonly before?: Shown;
}

export interface ShownProgram {
  readonly container?: string;
  readonly tty?: true;
  readonly size?: { readonly columns: number; readonly rows: number };
  readonly resized?: number;
  readonly input?: ShownData;
  readonly output?: ShownData;
  readonly errors?: ShownData;
  readonly exitCode?: number;
  /** What the error channel said besides. */
  readonly said?: Shown;
  readonly commands?: number;
  readonly files?: number;
}

export interface ShownCount {
  readonly type: string;
  readonly kind: string;
  readonly count: number;
}

export interface ShownWatch {
  readonly events: number;
  /** By type and kind, the first of them. */
  readonly counts: readonly ShownCount[];
  /** Events that have no step of their own. */
  readonly untold?: number;
}

export interface ShownEvent {
  readonly type: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly message?: Shown;
}

export interface ShownForward {
  /** Within its call, from 1. */
  readonly number: number;
  readonly port: number;
  /** The pod: `dev/db-0`. */
  readonly to?: string;
  readonly sent?: ShownData;
  readonly received?: ShownData;
  /** What the kubelet said went wrong. */
  readonly error?: Shown;
  /** The protocol that it spoke, by its first bytes. */
  readonly speaks?: string;
}

export interface ShownFile {
  readonly path: Shown;
  readonly type: 'file' | 'folder' | 'link' | 'other';
  readonly direction: 'upload' | 'download';
  readonly size: number;
  readonly sha256?: string;
}

export interface KubernetesStep extends StepBase {
  readonly kind: KubernetesStepKind;
  readonly outcome?: KubernetesOutcome;
  /** The number of the call on the tape. */
  readonly channel?: number;
  readonly login?: ShownIdentity & { readonly agent?: string };
  readonly call?: ShownCall;
  readonly cut?: ShownCut;
  readonly diff?: ShownDiff;
  /** Of exec: its words as one line. Of command: the line. */
  readonly command?: Shown;
  /** Of exec, as they were. */
  readonly words?: readonly string[];
  readonly program?: ShownProgram;
  readonly watch?: ShownWatch;
  readonly event?: ShownEvent;
  readonly forward?: ShownForward;
  readonly forwards?: number;
  readonly file?: ShownFile;
  readonly carried?: { readonly protocol: string; readonly forward: number; readonly step: JsonStep };
  readonly prompt?: Shown;
  readonly heuristic?: true;
  readonly foundBy?: 'marks' | 'screen';
  readonly exitStatus?: number;
}

/** What a decoder keeps at most. Bytes, where nothing else is said. */
export interface KubernetesReplayLimits {
  /** Of one text. */
  readonly text: number;
  /** Of the sample of one body, or one direction of a stream. */
  readonly sample: number;
  /** Calls at one time. */
  readonly calls: number;
  /** Of a body that is read as an object. */
  readonly body: number;
  /** Of all bodies that are being gathered. */
  readonly bodies: number;
  /** Of objects as they were, for differences. */
  readonly objects: number;
  /** Entries of a list in a step. */
  readonly list: number;
  /** Steps of one watch, and of one copy. */
  readonly told: number;
  /** Connections at one time that are read as the protocol that they speak. */
  readonly carried: number;
  /** Terminals at one time that are looked at for commands. */
  readonly terminals: number;
  /** Of a terminal's output that is looked at for commands. */
  readonly screen: number;
}

export const KUBERNETES_LIMITS: KubernetesReplayLimits = {
  text: 32 << 10,
  sample: 16 << 10,
  calls: 4096,
  body: 8 << 20,
  bodies: 64 << 20,
  objects: 32 << 20,
  list: 100,
  told: 1000,
  carried: 4,
  terminals: 16,
  screen: 1 << 30,
};

/** For an answer of the API. */
export const KUBERNETES_PAGE_LIMITS: KubernetesReplayLimits = {
  ...KUBERNETES_LIMITS,
  sample: 4 << 10,
  body: 2 << 20,
  bodies: 16 << 20,
  objects: 8 << 20,
  carried: 1,
  screen: 32 << 20,
};
