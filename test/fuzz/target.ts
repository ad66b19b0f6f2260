/** Something that takes bytes from outside and must survive all of them. */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs to start from. */
  seeds(): readonly Uint8Array[];
  /** Throws (or rejects) only when the code under test misbehaves: refusing the input is no misbehaviour. */
  run(bytes: Uint8Array): void | Promise<void>;
}
