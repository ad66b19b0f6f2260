/** What seals and opens packets; one value per key and direction. */
import { createSecretKey, type KeyObject } from 'node:crypto';

export interface Sealer {
  /** What a packet is padded to. */
  readonly block: number;
  /** Whether the length field counts for that: no, where it is not encrypted with the rest (RFC 5647, EtM). */
  readonly lengthCounts: boolean;
  /** Room that the seal takes behind the packet. */
  readonly tagBytes: number;
  /** Turns the packet at `from` up to `to`, length field first, into what goes on the wire, in place. */
  seal(bytes: Uint8Array, from: number, to: number, sequence: number): void;
}

export interface Opener {
  readonly block: number;
  readonly lengthCounts: boolean;
  readonly tagBytes: number;
  /** How many bytes it takes to learn the length of a packet. */
  readonly headBytes: number;
  /** The length field of the packet at `at`, of which `headBytes` are there; not to be believed yet. Called once a packet. */
  length(bytes: Uint8Array, at: number, sequence: number): number;
  /** The packet without its length field, which may change with the next call; undefined when it is not authentic. */
  open(bytes: Uint8Array, at: number, length: number, sequence: number): Uint8Array | undefined;
}

/** Key material of one direction, cut to size by `derive` (RFC 4253 section 7.2). */
export interface Keys {
  readonly iv: Uint8Array;
  readonly key: Uint8Array;
  readonly mac: Uint8Array;
}

export interface CipherKind {
  readonly ivBytes: number;
  readonly keyBytes: number;
  sealer(keys: Keys, mac: MacKind | undefined): Sealer;
  opener(keys: Keys, mac: MacKind | undefined): Opener;
}

export interface MacKind {
  readonly hash: 'sha256' | 'sha512';
  readonly bytes: number;
  /** The MAC is over what is encrypted, with the length in the clear (OpenSSH's PROTOCOL, section 1.5). */
  readonly overCiphertext: boolean;
}

/** A key as node:crypto takes it fastest: handed over as bytes it costs 7 µs more for each packet. */
export function secretKey(bytes: Uint8Array): KeyObject {
  return createSecretKey(bytes);
}
