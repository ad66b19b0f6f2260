import type { ChannelGate } from './gate.ts';
import type { Replies } from './replies.ts';
import { KeptWindow } from './window.ts';

export type Side = 'client' | 'target';
export type ChannelKind = 'session' | 'local' | 'remote' | 'agent' | 'x11';

/** What the gateway speaks on: data in pieces that the receiver takes. */
const PIECE = 32_768;

export interface ChannelParts {
  readonly toTarget: Replies;
  readonly toClient: Replies;
  /** It may get a gate. */
  readonly gated: boolean;
}

/**
 * One channel. On either leg the gateway goes by the number that the far peer chose, so that both may read each other's messages as
 * they are: the client sends to the target's number, the target to the client's.
 */
export class Channel {
  readonly kind: ChannelKind;
  readonly opener: Side;
  /** The client's number; of a channel that the target opens, undefined until the client has confirmed it. */
  client: number | undefined;
  target: number | undefined;
  /** What was asked of the target, and of the client. */
  readonly toTarget: Replies;
  readonly toClient: Replies;
  /** Of the target's window, and of the client's. */
  readonly targetWindow: KeptWindow;
  readonly clientWindow: KeptWindow;
  clientMaxPacket = PIECE;
  targetMaxPacket = PIECE;
  /** Who has sent CLOSE. */
  readonly closed = { client: false, target: false };
  /** The gateway has closed it at the target by itself: of either side nothing more goes on but the target's CLOSE. */
  abandoned = false;
  /** A terminal was asked for. */
  pty = false;
  /** `asked`: the target has still to say whether it runs. */
  start: 'none' | 'asked' | 'running' = 'none';
  gate: ChannelGate | undefined;
  /** Input is none of what was approved. */
  noInput = false;

  constructor(kind: ChannelKind, opener: Side, parts: ChannelParts) {
    this.kind = kind;
    this.opener = opener;
    this.toTarget = parts.toTarget;
    this.toClient = parts.toClient;
    this.targetWindow = new KeptWindow(parts.gated);
    this.clientWindow = new KeptWindow(parts.gated);
  }

  get isOpen(): boolean {
    return this.client !== undefined && this.target !== undefined;
  }
}

/** The bytes in pieces of at most `most`. */
export function* pieces(bytes: Uint8Array, most: number): Generator<Uint8Array> {
  const size = Math.max(1, Math.min(most, PIECE));
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
