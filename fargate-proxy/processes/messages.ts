/** What the parent and the gateway processes under it say to each other. */
import type { Guess } from '#core/identity/token-failures.ts';
import type { Counts } from '../tally.ts';

export type ToChild =
  /** With the socket, of which nothing has been read. `door`: the protocol's name. */
  | { readonly kind: 'socket'; readonly door: string }
  | { readonly kind: 'told'; readonly note: SiblingNote }
  | { readonly kind: 'drain' };

export type FromChild =
  /** It takes sockets. */
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'load' } & Load)
  | ({ readonly kind: 'state' } & ChildState)
  /** For all others. */
  | { readonly kind: 'tell'; readonly note: SiblingNote };

/** How many are at a process. */
export interface Load {
  /** Sockets that it was given since its start. */
  readonly taken: number;
  /** Connections that it has. */
  readonly here: number;
  /** How many of them may log in. */
  readonly sessionsMax: number;
  /** It refuses any session more. */
  readonly isFull: boolean;
  /** It drains. */
  readonly isClosed: boolean;
}

/** How a process is, for whoever looks after the task. */
export interface ChildState {
  readonly sessions: number;
  readonly journalLagMs: number;
  /** Milliseconds since 1970. */
  readonly certificateEnds: number;
  /** Since it said so last. */
  readonly counts: Counts;
}

export type Found = 'no' | 'yes' | 'done';

/** What a process tells the others of its gateway. */
export type SiblingNote =
  /** A cancel request came here, and its key is not known here: a hash, as in `CancelWishes`. */
  | {
      readonly about: 'cancel';
      readonly by: number;
      readonly ask: number;
      readonly key: string;
      readonly from: string;
    }
  /** The answer, for the one that asked; where the key is known there is a second one, once the target has taken it. */
  | { readonly about: 'cancelled'; readonly to: number; readonly ask: number; readonly found: Found }
  /** Somebody guessed, or proved a name, here: it counts everywhere. */
  | { readonly about: 'guess'; readonly guess: Guess }
  | { readonly about: 'proof'; readonly name: string };
