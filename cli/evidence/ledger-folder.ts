import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { localLedgerHead } from '#adapters/local/ledger.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { CHECKPOINT, tileKey } from '#core/ledger/layout.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import type { PublicSigner } from '../signer-pin.ts';

/** A ledger and the recordings beside it, as files of this machine. */
export interface LedgerFolder {
  readonly store: RecordingSource;
  readonly fetch: FetchTile;
  /** The newest checkpoint: the note, and what it says. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/**
 * A gateway's data folder, or a copy of its store with the newest checkpoint as `ledger/checkpoint`. Rejects with `not-found`
 * when it is neither, and with `format-invalid` when none of the signers signed the checkpoint.
 */
export async function openLedgerFolder(
  folder: string,
  origin: string,
  signers: readonly PublicSigner[],
): Promise<LedgerFolder> {
  const isDataFolder = existsSync(join(folder, 'ledger.sqlite'));
  const store = directoryStore(isDataFolder ? join(folder, 'store') : folder);
  const note = isDataFolder ? await headOf(folder) : await readNote(join(folder, CHECKPOINT));
  return {
    store,
    fetch: (path) => store.get(tileKey(path)),
    note,
    checkpoint: openUnder(note, origin, signers),
  };
}

/** The checkpoint in a file that the auditor kept. */
export function readCheckpoint(file: string, origin: string, signers: readonly PublicSigner[]): Checkpoint {
  return openUnder(readNoteSync(file), origin, signers);
}

async function headOf(folder: string): Promise<string> {
  const head = localLedgerHead(folder);
  try {
    const stored = await head.read();
    if (stored !== undefined) return stored.checkpoint;
  } finally {
    head.close();
  }
  throw new CustodyError('not-found', `the ledger in ${folder} is empty`, {
    hint: 'the first session puts it to use, within a minute',
  });
}

async function readNote(file: string): Promise<string> {
  return readNoteSync(file);
}

function readNoteSync(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new CustodyError('not-found', `there is no checkpoint at ${file}`, {
      hint: "give a gateway's data folder, or a copy of its store with the checkpoint as ledger/checkpoint",
      cause,
    });
  }
}

function openUnder(note: string, origin: string, signers: readonly PublicSigner[]): Checkpoint {
  let failure = new CustodyError('not-found', 'no signer is known to trust the checkpoint under', {
    hint: 'give its public key: --key signer.pem',
  });
  for (const { der } of signers) {
    try {
      return openCheckpoint(note, origin, der);
    } catch (error) {
      failure = asCustodyError(error);
    }
  }
  throw failure;
}
