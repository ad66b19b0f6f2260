/** What is to be said of a checkpoint that somebody brings: whose it is, and how it stands to the newest. */
import { asCustodyError } from '#core/errors.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import { compareCheckpoints, comparisonText, isBad } from './compare-checkpoints.ts';

/** The ledger of the page, under its newest checkpoint. */
export interface LedgerPorts {
  readonly ledger: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly signer: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly fetch: FetchTile;
}

export interface Opinion {
  readonly tone: 'good' | 'warn' | 'bad';
  readonly word: string;
  readonly text: string;
}

export async function opinionOf(note: string, ports: LedgerPorts): Promise<Opinion> {
  const opened = checkpointIn(note, ports);
  if (typeof opened === 'string')
    return { tone: 'bad', word: 'refused', text: `It is no checkpoint of this ledger: ${opened}` };
  const comparison = await compareCheckpoints(opened, ports.checkpoint, ports.fetch);
  const tone = isBad(comparison) ? 'bad' : comparison.is === 'unknown' ? 'warn' : 'good';
  return { tone, word: comparison.is.replace('-', ' '), text: comparisonText(comparison) };
}

/** Else why it is refused. */
function checkpointIn(note: string, { ledger, signer }: LedgerPorts): Checkpoint | string {
  try {
    return openCheckpoint(note, ledger, signer);
  } catch (thrown) {
    return asCustodyError(thrown).message;
  }
}
