/** `global/pg_control` of a data folder, as far as a copy of it needs (src/include/catalog/pg_control.h). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** DB_SHUTDOWNED of enum DBState. */
const SHUT_DOWN = 1;
const AT = { state: 16, redo: 40, timeline: 48 } as const;
/** What initdb makes them. */
export const WAL_SEGMENT_BYTES = 16 << 20;

export interface ControlFile {
  /** Its server was stopped in order: the files are whole by themselves. */
  readonly isShutDown: boolean;
  /** Where recovery begins, in bytes of WAL. */
  readonly redo: bigint;
  readonly timeline: number;
}

export function readControlFile(data: string): ControlFile {
  const bytes = readFileSync(join(data, 'global', 'pg_control'));
  return {
    isShutDown: bytes.readUInt32LE(AT.state) === SHUT_DOWN,
    redo: bytes.readBigUInt64LE(AT.redo),
    timeline: bytes.readUInt32LE(AT.timeline),
  };
}

/** The name of the file of WAL that recovery needs first (XLogFileName). */
export function firstSegment({ redo, timeline }: ControlFile): string {
  const parts = [BigInt(timeline), redo >> 32n, (redo & 0xffff_ffffn) / BigInt(WAL_SEGMENT_BYTES)];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, '0')).join('');
}
