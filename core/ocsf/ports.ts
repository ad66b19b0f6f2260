/** Where events are kept. Nothing of it is evidence: all of it can be made again. */
export interface EventStore {
  /** Puts once, durable when it returns: what is there already stays as it is, and is no error. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** In place of what is there. */
  replace(key: string, bytes: Uint8Array): Promise<void>;
  /** Undefined where there is none; rejects where it is longer than `atMost`. */
  get(key: string, atMost: number): Promise<Uint8Array | undefined>;
  /** Names directly under a prefix, in ascending order. */
  list(prefix: string): Promise<readonly string[]>;
}
