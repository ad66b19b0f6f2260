/** Protocols whose streams another one's session may carry, such as a port-forward to a database. Whoever composes gives them. */
import type { ReadStep, ReplayReader } from './reader.ts';

export interface CarriedProtocol {
  readonly protocol: string;
  readonly reader: ReplayReader;
  /** By what a client says first: whether it is of this protocol, in plain text; undefined where more has to be seen. */
  begins(first: Uint8Array): boolean | undefined;
  open(): CarriedReading;
}

/** One connection. It keeps a bounded amount, and never throws for what the bytes are. */
export interface CarriedReading {
  /** Undefined: it is nothing that can be read any further, such as TLS. */
  take(from: 'client' | 'target', bytes: Uint8Array, at: number): readonly ReadStep[] | undefined;
  end(at: number): readonly ReadStep[];
}
