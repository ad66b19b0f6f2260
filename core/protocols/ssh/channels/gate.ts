import type { CustodyError } from '#core/errors.ts';

/** Looks at what is said on one channel, and decides what of it goes on: file policy, digests in place of contents. */
export interface ChannelGate {
  /** Data that the client sent on the channel. It stays as it is until the call returns. */
  fromClient(data: Uint8Array, hands: GateHands): void;
  /** Data that the target sent; `error`: on the error stream (extended data of type 1). */
  fromTarget(data: Uint8Array, hands: GateHands, error: boolean): void;
  /** One side sends no more. What the gate holds back of that side's goes on now, or never. */
  ended(side: 'client' | 'target', hands: GateHands): void;
  /** The program ended, with its status or the name of its signal; before `closed`. */
  exited?(how: { readonly status: number } | { readonly signal: string }): void;
  /** The channel is closed, or the session over: what is known of unfinished files becomes notes. Nothing else is heard. */
  closed(hands: Pick<GateHands, 'note'>): void;
}

/**
 * What a gate does. It all happens in this order once the gate's call has returned and what came is on the tape: bytes that are
 * given here stay as they are until then (views of `data` do; what the gate holds back longer it copies). Windows are the relay's
 * business, but for bytes that never go on: those have to be dropped, or the sender waits for ever.
 */
export interface GateHands {
  /** On to the target: what the client sent. */
  toTarget(bytes: Uint8Array): void;
  /** On to the client: what the target sent. */
  toClient(bytes: Uint8Array, error?: boolean): void;
  /** So many bytes of that side's data never go on. */
  drop(side: 'client' | 'target', bytes: number): void;
  /** To the client in the gateway's name; on the tape as the gateway's. */
  say(bytes: Uint8Array, error?: boolean): void;
  /** To the target in the gateway's name: as with the login, the tape has none of it. */
  ask(bytes: Uint8Array): void;
  /** `data[from..to]` of this very call stands on the tape as zeros. Ranges ascend and do not overlap. */
  withhold(from: number, to: number): void;
  note(fact: { readonly note: string } & Readonly<Record<string, unknown>>): void;
  /** Tells the client why on the error stream, then closes the channel at both ends; nothing more of it is heard. */
  close(words: string, exitStatus: number): void;
}

/** What a session channel is to run. */
export type ChannelStart =
  | { readonly kind: 'shell' }
  | { readonly kind: 'exec'; readonly command: string }
  | { readonly kind: 'subsystem'; readonly name: string };

/** `undefined`: it passes as it is. `words` say why it may not start. */
export type GateVerdict = { readonly gate: ChannelGate } | { readonly words: string } | undefined;

/** Is asked of each start that policy lets pass otherwise; `pty`: a terminal was asked for on the channel. */
export type ChannelGates = (start: ChannelStart, channel: { readonly pty: boolean }) => GateVerdict;

/** Where the session is a task of a run: asked of each start that everything else lets pass, and nothing goes on before it resolves. */
export interface ContractStarts {
  judge(start: ChannelStart, waiting: ContractWait): Promise<ContractVerdict>;
}

/** While reviewers decide. */
export interface ContractWait {
  /** Tells the client something on the channel's error stream. */
  readonly announce: (message: string, hint: string) => void;
  /** Aborted when the session is over. */
  readonly signal: AbortSignal;
}

/** `ends`: the session is over, too. */
export type ContractVerdict =
  | { readonly goesOn: true; readonly gate?: ChannelGate }
  | { readonly goesOn: false; readonly error: CustodyError; readonly ends: boolean };
