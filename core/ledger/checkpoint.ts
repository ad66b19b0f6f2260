/** Checkpoints (c2sp.org/tlog-checkpoint): a signed note that says how long the ledger is and what its root is. */
import { CustodyError } from '../errors.ts';
import { printable } from '../printable.ts';
import type { Signer } from '../recording/ports.ts';
import { HASH_BYTES } from './merkle.ts';
import { openNote, signNote } from './note.ts';

export interface Checkpoint {
  /** The ledger's name, and the name of the key that signs for it: a schema-less URL. */
  readonly origin: string;
  readonly size: number;
  readonly root: Buffer;
}

/** Signs a checkpoint: the whole note. Rejects with `format-invalid` when the origin is no name for a key. */
export function signCheckpoint({ origin, size, root }: Checkpoint, signer: Signer): Promise<string> {
  return signNote(`${origin}\n${size}\n${root.toString('base64')}\n`, origin, signer);
}

/**
 * The checkpoint in a note that the signer of `origin` signed. `origin` is what the reader expects, and never what a note says:
 * one key may sign for several ledgers. `publicKey`: SubjectPublicKeyInfo, DER.
 * Throws `format-invalid`.
 */
export function openCheckpoint(note: string, origin: string, publicKey: Uint8Array): Checkpoint {
  refuseOther(note, origin);
  const lines = openNote(note, [{ name: origin, publicKey }]).split('\n');
  const [, sizeText = '', rootText = '', ...extensions] = lines.slice(0, -1);
  const size = /^(?:0|[1-9]\d{0,15})$/.test(sizeText) ? Number(sizeText) : Number.NaN;
  const root = Buffer.from(rootText, 'base64');
  if (!Number.isSafeInteger(size)) throw invalid('the checkpoint has no size');
  if (root.byteLength !== HASH_BYTES || root.toString('base64') !== rootText)
    throw invalid('the checkpoint has no root');
  if (extensions.includes('')) throw invalid('the checkpoint has an empty line');
  return { origin, size, root };
}

/** Said before its signature is looked at: that another name signed it would be true as well, and help nobody. */
function refuseOther(note: string, origin: string): void {
  const [named = ''] = note.split('\n', 1);
  if (named !== origin)
    throw invalid(`the checkpoint is of another ledger: ${printable(named)}, where ${origin} is expected`);
}

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', what);
}
