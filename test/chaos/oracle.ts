import type { DurabilityMode } from '#core/recording/format.ts';
import type { RecordedFrame } from '#core/recording/read.ts';

/** One statement, or line, that a client sent: each carries a tag of its own. */
export interface Sent {
  readonly tag: string;
  readonly mode: DurabilityMode;
  readonly sentAt: number;
  /** When its answer arrived; undefined while the client does not know. */
  ackedAt: number | undefined;
}

/** What is known of one protocol's sessions apart from the gateway, and how its tapes are read. */
export interface Oracle {
  readonly protocol: string;
  /** Which of these the target got, and when, milliseconds. */
  executed(sent: readonly Sent[]): Promise<ReadonlyMap<string, number>>;
  /** What the client said, with its tags. */
  said(frames: readonly RecordedFrame[]): string;
  /** What the target said, with the tags that it answered; undefined where it does not name them. */
  answered?(frames: readonly RecordedFrame[]): string;
  /** What is wrong with a tape by itself. */
  problems(frames: readonly RecordedFrame[], sent: readonly Sent[]): Promise<readonly string[]>;
}

/** The client's session in which a tag was sent. */
export function sessionOf(tag: string): string {
  return tag.slice(0, tag.lastIndexOf('-'));
}
