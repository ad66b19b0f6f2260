import { kubernetesReader } from './kubernetes/reader.ts';
import { carriedPostgres } from './postgres/carried.ts';
import { postgresReader } from './postgres/reader.ts';
import type { ReplayReader } from './reader.ts';
import { sshReader } from './ssh/reader.ts';

/** Who reads the recordings of which protocol. */
export const READERS: ReadonlyMap<string, ReplayReader> = new Map([
  ['postgres', postgresReader],
  ['ssh', sshReader],
  ['kubernetes', kubernetesReader([carriedPostgres])],
]);
