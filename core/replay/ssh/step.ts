/** A recorded SSH session, step by step. */
import type { Shown, StepBase } from '../step.ts';
import type { ShownData } from '../tally.ts';
import type { ShownFile, ShownGit } from './files/file-step.ts';

export type SshStepKind =
  | 'login'
  /** A program on a session channel, once it is over: its facts, samples of its data, how it ended. */
  | 'exec'
  | 'shell'
  | 'subsystem'
  /** A session channel on which no program was asked for. */
  | 'session'
  /** A line that a person entered in a terminal, as the screen showed it: never evidence by itself. */
  | 'command'
  /** What a file transfer did; of `files/`. */
  | 'file'
  | 'git'
  /** A connection through the session, or a channel to the client's agent or X server, once it is over. */
  | 'forward'
  /** The client asked the target to listen, or not to any longer. */
  | 'listen'
  /** A request that belongs to no program: a global one, or one that nobody knows. */
  | 'request'
  /** What the gateway said to the client in its own name: banners and prompts of the login. */
  | 'said'
  | 'note'
  | 'damaged'
  | 'end';

export type SshOutcome =
  /** Of a program: with exit status 0. */
  | 'completed'
  /** Of a program: with another status or a signal. */
  | 'failed'
  /** The target would not. */
  | 'refused'
  /** The gateway would not; it did not reach the target. */
  | 'denied'
  /** Of a program: the gateway ended it. */
  | 'ended'
  /** The recording ends before it does. */
  | 'unfinished';

export interface ShownSize {
  readonly columns: number;
  readonly rows: number;
}

export interface ShownPty extends ShownSize {
  readonly term: string;
  /** Changes of its size, the first of them. `at`: microseconds since the session's start. */
  readonly resizes: readonly (ShownSize & { readonly at: number })[];
  /** All of them. */
  readonly resized: number;
}

export interface ShownEnv {
  readonly name: string;
  readonly value: Shown;
  readonly outcome?: SshOutcome;
}

export interface ShownProgram {
  readonly pty?: ShownPty;
  /** Environment variables that the client asked for, the first of them. */
  readonly env?: readonly ShownEnv[];
  /** Signals that the client sent. */
  readonly signals?: readonly string[];
  /** What else was asked for on its channel: agent and X11 forwarding, breaks, what nobody knows. */
  readonly requests?: readonly ShownRequest[];
  readonly exitStatus?: number;
  readonly exitSignal?: { readonly name: string; readonly core: boolean; readonly message: string };
  /** Data by direction: to the program, from it, and its stderr where that is apart. */
  readonly input?: ShownData;
  readonly output?: ShownData;
  readonly errors?: ShownData;
  /** Lines that were found in its terminal. */
  readonly commands?: number;
  /** What the gateway said to the client on its channel, such as why it may not run. */
  readonly said?: ShownData;
  /** What ran in its place, as the client's certificate or the target has it. */
  readonly forced?: Shown;
}

export interface ShownRequest {
  readonly type: string;
  readonly outcome?: SshOutcome;
  /** Why the gateway would not. */
  readonly words?: string;
}

export interface ShownAddress {
  /** A name, an address, or the path of a socket, in its sender's words. */
  readonly host: string;
  /** Absent for sockets with a path. */
  readonly port?: number;
}

export interface ShownForward {
  /**
   * `local`: the client asked for a connection from the target (ssh -L, -D, -J, -W). `remote`: somebody connected to where the
   * target listens (ssh -R). `agent`, `x11`: the target asked for the client's.
   */
  readonly kind: 'local' | 'remote' | 'agent' | 'x11' | 'other';
  /** Of its channel, as the protocol names it. */
  readonly type: string;
  /** Where to; for remote forwards, where the target listens. */
  readonly to?: ShownAddress;
  /** Who connected, in the words of who opened the channel. */
  readonly from?: ShownAddress;
  readonly sent?: ShownData;
  readonly received?: ShownData;
}

export interface ShownKey {
  /** As the client called it. */
  readonly algorithm: string;
  /** `SHA256:…` of the key itself, with or without a certificate. */
  readonly fingerprint: string;
  readonly certificate?: { readonly serial: string; readonly keyId: string };
}

/** How the client got in: by what the streams hold, and the gateway's note of it. */
export interface ShownSshLogin {
  /** The user name as it was sent, such as `deploy+web-1`. */
  readonly user: string;
  /** Methods that were tried, in order, with `none`; the last one let it in, where it is in. */
  readonly methods: readonly string[];
  /** Keys with which a signature was given, the first of them. */
  readonly keys?: readonly ShownKey[];
  /** The client has leave to go on. */
  readonly accepted: boolean;
}

export interface SshStep extends StepBase {
  readonly kind: SshStepKind;
  readonly outcome?: SshOutcome;
  /** Channels are numbered from 1, in the order in which they were opened. */
  readonly channel?: number;
  /** Of exec: the command; of subsystem: its name; of command: the line. */
  readonly command?: Shown;
  /** Of command: what stood before it on the screen. */
  readonly prompt?: Shown;
  /** It was concluded from what a terminal would have shown. The bytes are the truth. */
  readonly heuristic?: true;
  /** Of command: by marks of the shell's (OSC 133 or 633), or by the screen alone. */
  readonly foundBy?: 'marks' | 'screen';
  /** Of command, where the shell told it. */
  readonly exitStatus?: number;
  readonly program?: ShownProgram;
  readonly forward?: ShownForward;
  readonly login?: ShownSshLogin;
  /** Of request and listen. */
  readonly request?: ShownRequest;
  readonly listen?: ShownAddress;
  readonly file?: ShownFile;
  readonly git?: ShownGit;
  /** Why a channel was refused, and with which of RFC 4254's reason codes. */
  readonly refusal?: { readonly code: number; readonly message: string };
  /** Of said. */
  readonly said?: Shown;
}

/** What a decoder keeps at most. Bytes, where nothing else is said. */
export interface SshReplayLimits {
  /** Of one message; of a longer one the rest is passed over. */
  readonly message: number;
  /** Of one text. */
  readonly text: number;
  /** Of the sample of one direction of a channel. */
  readonly sample: number;
  /** Channels at one time. */
  readonly channels: number;
  /** Requests that wait for an answer, of one channel or the session. */
  readonly pending: number;
  /** Entries of a list in a step: variables, resizes, signals. */
  readonly list: number;
  /** Terminals at one time that are looked at for commands. */
  readonly terminals: number;
  /** Of a terminal's output that is looked at for commands. */
  readonly screen: number;
}

export const SSH_LIMITS: SshReplayLimits = {
  message: 1 << 20,
  text: 32 << 10,
  sample: 16 << 10,
  channels: 1024,
  pending: 4096,
  list: 100,
  terminals: 16,
  screen: 1 << 30,
};

/** For an answer of the API. */
export const SSH_PAGE_LIMITS: SshReplayLimits = {
  ...SSH_LIMITS,
  sample: 4 << 10,
  screen: 32 << 20,
};
