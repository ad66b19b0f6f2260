/** That a session's statements are in the ledger, as one file that an auditor checks without the ledger. */
import { z } from 'zod';
import { asCustodyError, CustodyError } from '../errors.ts';
import { parseJsonBytes } from '../json.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { LEAF_MAX_BYTES, type Leaf, parseLeaf } from './leaf.ts';
import { HASH_BYTES, inclusionHolds, leafHash } from './merkle.ts';

/** More than four leaves with the longest proofs and a note. */
export const PROOF_MAX_BYTES = 128 << 10;
export const LEAVES_MAX = 8;

const leafShape = {
  index: z.int().min(0),
  /** The entry's bytes, UTF-8. */
  leaf: z.string().max(LEAF_MAX_BYTES),
  /** Base64, from the leaf up. */
  proof: z.array(z.base64()).max(64).readonly(),
};
const proofShape = {
  type: z.literal('custody/ledger-proof/1'),
  /** The signed note. */
  checkpoint: z.string(),
};

/** As the API answers it. */
export const sessionProofSchema = z.object({
  ...proofShape,
  leaves: z.array(z.object(leafShape)).min(1).max(LEAVES_MAX).readonly(),
});
export type SessionProof = z.infer<typeof sessionProofSchema>;

/** As a file: nobody signed it as a whole, so nothing may stand in it that nobody checks. */
const proofFileSchema = z.strictObject({
  ...proofShape,
  leaves: z.array(z.strictObject(leafShape)).min(1).max(LEAVES_MAX).readonly(),
});

/** A leaf about a session's opening or end. */
export type StatementLeaf = Extract<Leaf, { readonly statement: string }>;

/** What a proof was found to prove. */
export interface ProvedSession {
  readonly origin: string;
  readonly size: number;
  readonly leaves: readonly StatementLeaf[];
}

/**
 * Checks a proof without the ledger: that its checkpoint is of `origin`, the ledger that the caller expects, and signed by
 * `signer` (SubjectPublicKeyInfo, DER); that each leaf is under its root, and none is there twice. Which leaves a session's
 * proof must have is for the caller to say. Throws `format-invalid`, or `ledger-altered` for a leaf that is not under the checkpoint.
 */
export function openSessionProof(bytes: Uint8Array, origin: string, signer: Uint8Array): ProvedSession {
  const { checkpoint: note, leaves } = readProof(bytes);
  const checkpoint = openCheckpoint(note, origin, signer);
  refuseRepeated(leaves);
  return { origin, size: checkpoint.size, leaves: leaves.map((leaf) => openLeaf(leaf, checkpoint)) };
}

function readProof(bytes: Uint8Array): SessionProof {
  const parsed = proofFileSchema.safeParse(parseProof(bytes));
  if (parsed.success) return parsed.data;
  throw invalid(`${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}

function parseProof(bytes: Uint8Array): unknown {
  try {
    return parseJsonBytes(bytes, PROOF_MAX_BYTES);
  } catch (thrown) {
    throw invalid(`it ${asCustodyError(thrown).message}`);
  }
}

/** A leaf that is shown twice proves no more than once, and hides that another is missing. */
function refuseRepeated(leaves: SessionProof['leaves']): void {
  for (const [n, { index, leaf }] of leaves.entries()) {
    const earlier = leaves.slice(0, n);
    if (earlier.some((other) => other.index === index || other.leaf === leaf))
      throw invalid(`it has leaf ${index} twice`);
  }
}

function openLeaf(
  { index, leaf, proof }: SessionProof['leaves'][number],
  checkpoint: Checkpoint,
): StatementLeaf {
  const entry = Buffer.from(leaf);
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
  const { size, root } = checkpoint;
  const holds =
    hashes.every((hash, n) => hash.byteLength === HASH_BYTES && hash.toString('base64') === proof[n]) &&
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
