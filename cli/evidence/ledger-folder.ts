import { lstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { LEDGER_FILE } from '#adapters/local/ledger.ts';
import { areLeavesQueued, readLedgerHead } from '#adapters/local/ledger-file.ts';
import { readPlainFile } from '#adapters/local/plain-files.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { CHECKPOINT } from '#core/ledger/layout.ts';
import { NOTE_MAX_BYTES } from '#core/ledger/note.ts';
import { fetchStaged, type IsUnfinished, StagedTiles } from '#core/ledger/staged-tiles.ts';
import type { FetchTile } from '#core/ledger/tree.ts';
import type { RecordingSource } from '#core/recording/ports.ts';
import { readGivenFile } from '../given-file.ts';
import type { PublicSigner } from '../signer-pin.ts';

/** A ledger and the recordings beside it, as files of this machine. */
export interface LedgerFolder {
  readonly store: RecordingSource;
  readonly fetch: FetchTile;
  /** Of a data folder, which has the queue. */
  readonly isUnfinished?: IsUnfinished;
  /** The newest checkpoint: the note, and what it says. */
  readonly note: string;
  readonly checkpoint: Checkpoint;
  /** The one of those given that signed it. */
  readonly signer: PublicSigner;
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
  // A copy may have anything in it, a file of this name too: its own checkpoint decides.
  const isCopy = statusOf(join(folder, CHECKPOINT)) !== undefined;
  const isDataFolder = !isCopy && statusOf(join(folder, LEDGER_FILE))?.isFile() === true;
  const store = directoryStore(isDataFolder ? join(folder, 'store') : folder);
  const note = isDataFolder ? await headOf(folder) : await readNote(join(folder, CHECKPOINT));
  const opened = openUnder(note, origin, signers);
  const fetch = fetchStaged(store, new StagedTiles(opened.checkpoint, store));
  const isUnfinished: IsUnfinished = (leaves) => areLeavesQueued(folder, leaves);
  return { store, fetch, note, ...opened, ...(isDataFolder && { isUnfinished }) };
}

/** The checkpoint in a file that the auditor kept. */
export function readCheckpoint(file: string, origin: string, signers: readonly PublicSigner[]): Checkpoint {
  return openUnder(readGivenFile(file, NOTE_MAX_BYTES), origin, signers).checkpoint;
}

async function headOf(folder: string): Promise<string> {
  const note = await readLedgerHead(folder, NOTE_MAX_BYTES);
  if (note !== undefined) return note;
  throw new CustodyError('not-found', `the ledger in ${folder} is empty`, {
    hint: 'the first session puts it to use, within a minute',
  });
}

async function readNote(file: string): Promise<string> {
  try {
    return Buffer.from(await readPlainFile(file, NOTE_MAX_BYTES)).toString();
  } catch (cause) {
    const { code, message } = asCustodyError(cause);
    const what =
      code === 'not-found' ? `there is no checkpoint at ${file}` : `the checkpoint ${file} ${message}`;
    throw new CustodyError('not-found', what, {
      hint: "give a gateway's data folder, or a copy of its store with the checkpoint as ledger/checkpoint",
      cause,
    });
  }
}

function openUnder(
  note: string,
  origin: string,
  signers: readonly PublicSigner[],
): Pick<LedgerFolder, 'checkpoint' | 'signer'> {
  let failure = new CustodyError('not-found', 'no signer is known to trust the checkpoint under', {
    hint: 'give its public key: --key signer.pem',
  });
  for (const signer of signers) {
    try {
      return { checkpoint: openCheckpoint(note, origin, signer.der), signer };
    } catch (error) {
      const { code, message } = asCustodyError(error);
      failure = new CustodyError(code, message, {
        hint: 'say whose ledger you expect, and which: --key signer.pem --origin NAME',
      });
    }
  }
  throw failure;
}

/** Undefined when nothing can be seen there. */
function statusOf(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}
