/** That a session's statements are in the ledger, as one file that an auditor checks without the ledger. */
import { z } from 'zod';
import { CustodyError } from '../errors.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { LEAF_MAX_BYTES, type Leaf, parseLeaf } from './leaf.ts';
import { HASH_BYTES, inclusionHolds, leafHash } from './merkle.ts';

/** More than four leaves with the longest proofs and a note. */
export const PROOF_MAX_BYTES = 128 << 10;
export const LEAVES_MAX = 8;

export const sessionProofSchema = z.object({
  type: z.literal('custody/ledger-proof/1'),
  /** The signed note. */
  checkpoint: z.string(),
  leaves: z
    .array(
      z.object({
        index: z.int().min(0),
        /** The entry's bytes, UTF-8. */
        leaf: z.string().max(LEAF_MAX_BYTES),
        /** Base64, from the leaf up. */
        proof: z.array(z.base64()).max(64).readonly(),
      }),
    )
    .max(LEAVES_MAX)
    .readonly(),
});
export type SessionProof = z.infer<typeof sessionProofSchema>;

type StatementLeaf = Extract<Leaf, { readonly statement: string }>;

/** What a proof was found to prove. */
export interface ProvedSession {
  readonly origin: string;
  readonly size: number;
  readonly leaves: readonly StatementLeaf[];
}

/**
 * Checks a proof without the ledger: the checkpoint's signature under `signer` (SubjectPublicKeyInfo, DER), and each leaf under
 * its root. Throws `format-invalid`, or `ledger-altered` for a leaf that is not under the checkpoint.
 */
export function openSessionProof(bytes: Uint8Array, signer: Uint8Array): ProvedSession {
  const { checkpoint: note, leaves } = readProof(bytes);
  const checkpoint = openCheckpoint(note, note.slice(0, note.indexOf('\n')), signer);
  return {
    origin: checkpoint.origin,
    size: checkpoint.size,
    leaves: leaves.map((leaf) => openLeaf(leaf, checkpoint)),
  };
}

function readProof(bytes: Uint8Array): SessionProof {
  if (bytes.byteLength > PROOF_MAX_BYTES) throw invalid('it is too long');
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('it is not JSON');
  }
  const parsed = sessionProofSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(`${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}

function openLeaf(
  { index, leaf, proof }: SessionProof['leaves'][number],
  checkpoint: Checkpoint,
): StatementLeaf {
  const entry = Buffer.from(leaf);
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
  const { size, root } = checkpoint;
  const holds =
    hashes.every((hash) => hash.byteLength === HASH_BYTES) &&
    inclusionHolds(leafHash(entry), index, size, hashes, root);
  if (!holds)
    throw new CustodyError('ledger-altered', `leaf ${index} is not under the checkpoint of size ${size}`);
  const parsed = parseLeaf(entry);
  if (parsed !== undefined && 'statement' in parsed) return parsed;
  throw invalid(`leaf ${index} is not about a statement`);
}

function invalid(what: string): CustodyError {
  return new CustodyError('format-invalid', `the ledger's proof cannot be read: ${what}`);
}
