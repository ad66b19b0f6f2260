/** What goes over an upgraded connection, told one piece at a time. */

/** `forward`: connections through forwarded ports count from 1. */
export interface ForwardChannel {
  readonly forward: number;
  readonly port: number;
  readonly part: 'data' | 'error';
  /** The client's own name for it; `''` where it gave none. */
  readonly request: string;
}
export type CommandChannel = 'stdin' | 'stdout' | 'stderr' | 'error' | 'resize';
export type Channel = CommandChannel | ForwardChannel;
export type Sender = 'client' | 'target';

export type StreamEvent =
  /** The bytes stay as they are only as long as what was pushed does. */
  | { readonly kind: 'data'; readonly channel: Channel; readonly from: Sender; readonly bytes: Uint8Array }
  /** Nothing more comes of this channel from this side. */
  | { readonly kind: 'closed'; readonly channel: Channel; readonly from: Sender }
  /** Of the connection as a whole: a WebSocket's close, or GOAWAY. */
  | { readonly kind: 'close'; readonly from: Sender; readonly code?: number; readonly reason?: string };

/** Takes one direction's bytes. */
export interface Lane {
  /** Between two messages, so that another one may stand here. */
  readonly atBoundary: boolean;
  /** Takes bytes up to where something ends; returns where. Throws `protocol-violation` for what nobody can read. */
  step(bytes: Uint8Array, from: number, to: number): number;
}
