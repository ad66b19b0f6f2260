/** What a tape of SSH says, with channels told apart and answers joined to what they answer. */

import type { Range } from '../tally.ts';
import type { ShownAddress } from './step.ts';
import type { RequestDetail } from './tape-requests.ts';

export type Side = 'client' | 'target';
/** `gateway`: said to the client in the gateway's own name. */
export type Speaker = Side | 'gateway';

/** One channel from its OPEN on. */
export interface TapeChannel {
  /** From 1, in the order in which channels were opened. */
  readonly number: number;
  readonly type: string;
  readonly opener: Side;
  readonly at: number;
  readonly to?: ShownAddress;
  readonly from?: ShownAddress;
  /** Its number at the client, by which the target and the notes call it; and the other way about. */
  client?: number;
  target?: number;
  confirmed: boolean;
  readonly closed: { client: boolean; target: boolean };
}

export type Answer = 'accepted' | 'refused' | 'denied';

/** What the client asked for, of a channel or of the session. The tape fills in what came of it. */
export interface TapeRequest {
  readonly name: string;
  readonly at: number;
  readonly wantReply: boolean;
  answer?: Answer;
  /** Why the gateway would not. */
  words?: string;
}

export interface ChannelTapeRequest extends TapeRequest {
  readonly detail: RequestDetail;
}

export interface ListenRequest extends TapeRequest {
  /** Of tcpip-forward and its cancelling. Port 0 becomes the one that the target chose. */
  readonly listen?: { readonly host: string; port: number };
}

export type Note = { readonly note: string } & Readonly<Record<string, unknown>>;

/** Bytes are views that stay as they are until the next event is taken. */
export type SshEvent =
  | { readonly kind: 'auth'; readonly by: 'client' | 'gateway'; readonly payload: Uint8Array }
  | { readonly kind: 'open'; readonly channel: TapeChannel }
  | {
      readonly kind: 'open-failed';
      readonly channel: TapeChannel;
      readonly by: Speaker;
      readonly code: number;
      readonly message: string;
    }
  | {
      readonly kind: 'data';
      readonly channel: TapeChannel;
      readonly by: Speaker;
      /** On the error stream. */
      readonly error: boolean;
      readonly bytes: Uint8Array;
      /** Within `bytes`. */
      readonly withheld: readonly Range[];
    }
  | { readonly kind: 'request'; readonly channel: TapeChannel; readonly request: ChannelTapeRequest }
  | { readonly kind: 'answer'; readonly channel: TapeChannel; readonly request: ChannelTapeRequest }
  /** Of the target, or of the gateway to the client: how a program ended. */
  | {
      readonly kind: 'told';
      readonly channel: TapeChannel;
      readonly by: 'target' | 'gateway';
      readonly name: string;
      readonly detail: RequestDetail;
    }
  /** Both sides have closed it, and no note of it follows. */
  | { readonly kind: 'closed'; readonly channel: TapeChannel }
  | { readonly kind: 'global'; readonly request: ListenRequest }
  /** A request is answered, or refused by the gateway with nobody waiting for an answer. */
  | { readonly kind: 'global-answer'; readonly request: ListenRequest }
  /** `channel`: the one that it names. */
  | { readonly kind: 'note'; readonly note: Note; readonly channel?: TapeChannel }
  | { readonly kind: 'damaged'; readonly text: string };
