import type { Finding } from '../findings/finding.ts';

/** Where clients of a protocol reach the gateway. */
export interface Listener {
  readonly protocol: string;
  readonly host: string;
  readonly port: number;
  /** What it is verified with, where that is no public CA. */
  readonly caPem?: string | undefined;
}

/** A look at what listens there, as a client of its protocol; nobody is logged in by it. */
export type Look = (about: string, listener: Listener, now: Date) => Promise<readonly Finding[]>;
