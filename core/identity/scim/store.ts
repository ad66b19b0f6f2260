/** What SCIM needs from the world: where the people and groups of directories live. */
import type { DirectoryGroup } from './group.ts';
import type { DirectoryUser } from './user.ts';

export type Kind = 'User' | 'Group';

/** A resource as it is stored. */
export interface Entry<K extends Kind = Kind> {
  /** The issuer's name in custody.yaml. */
  readonly directory: string;
  readonly kind: K;
  readonly id: string;
  /** How often it was written. */
  readonly version: number;
  readonly createdAt: string;
  readonly changedAt: string;
  readonly resource: K extends 'User' ? DirectoryUser : DirectoryGroup;
  /** By which it can be found; no other of its kind in the directory has any of them. */
  readonly names: readonly string[];
}

/** Somebody who may do nothing: a directory said that they are not active, or has them no more. */
export interface Mark {
  readonly directory: string;
  /** The issuer whose tokens the directory's people have. */
  readonly issuer: string;
  readonly externalId: string;
  /** Their addresses, in the form in which they are compared. */
  readonly emails: readonly string[];
}

/** All of it happens, or nothing. */
export interface Write {
  /** As it was read; undefined for a new one. */
  readonly before: Entry | undefined;
  /** Undefined when it is removed. */
  readonly after: Entry | undefined;
  readonly marked: readonly Mark[];
  readonly unmarked: readonly Mark[];
  /** Leaves that the ledger is to have, as bytes. */
  readonly owed: readonly Uint8Array[];
}

export interface Page {
  readonly total: number;
  readonly entries: readonly Entry[];
}

/** Reads see every write that came before them. */
export interface ScimDirectory {
  get<K extends Kind>(directory: string, kind: K, id: string): Promise<Entry<K> | undefined>;
  /** The one that has this name. */
  find<K extends Kind>(directory: string, kind: K, name: string): Promise<Entry<K> | undefined>;
  /** In the order of their ids; `from` counts from 0. */
  page(directory: string, kind: Kind, from: number, count: number): Promise<Page>;
  /**
   * Durable when it returns, with its marks and the leaves that it owes. Rejects with `conflict` when what is there is not `before`,
   * and with `already-exists` when another has one of the names, changing nothing. On any other rejection it may be there or not.
   */
  write(write: Write): Promise<void>;
}

/** Leaves that were owed with a write: whoever dies between the two leaves them to the next. */
export interface ScimOutbox {
  owed(limit: number): Promise<readonly Uint8Array[]>;
  /** They are in the ledger's queue. */
  paid(leaves: readonly Uint8Array[]): Promise<void>;
}

/** For those who look often: reads little as long as nothing changes. */
export interface ScimMarks {
  /** Another number after every write of that kind. */
  changes(kind: Kind): Promise<number>;
  /** All of all directories. */
  marks(): Promise<readonly Mark[]>;
}
