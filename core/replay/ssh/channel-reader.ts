import type { Shown } from '../step.ts';
import type { SshStep } from './step.ts';

/** Of a channel's data: to the program, from it, and its stderr. */
export type Direction = 'in' | 'out' | 'err';

/** Makes steps of what passes on one channel, besides the step of the channel itself. */
export interface ChannelReader {
  /**
   * Data in the order in which it passed, cut anywhere, until the call returns. `withheld`: bytes in it stand as zeros. Never throws
   * for what the bytes are: what cannot be read is said in a step `damaged`, once, and nothing more is read. Keeps a bounded amount.
   */
  take(direction: Direction, bytes: Uint8Array, at: number, withheld: boolean): SshStep[];
  /** What the gateway said to the client on this channel in its own name: it may stand within a message of the target's. */
  said?(bytes: Uint8Array, at: number): SshStep[];
  /** A note of the gateway's about this channel, such as the digest of a file that is not in the recording. */
  note?(note: Readonly<Record<string, unknown>>, at: number): SshStep[];
  /** The channel is closed, or the recording is over. */
  end(at: number): SshStep[];
}

/** What runs on a channel. */
export interface ChannelProgram {
  /** Number of the channel for steps. */
  readonly channel: number;
  readonly kind: 'exec' | 'subsystem';
  /** The command, or the subsystem's name. `bytes` are all of it, at most 256 KiB. */
  readonly command: Shown;
  readonly bytes: Uint8Array;
  /** Bytes of one text that steps may show. */
  readonly text: number;
}

/** Undefined where the program's data means nothing to it. */
export type ChannelReaderFor = (program: ChannelProgram) => ChannelReader | undefined;
