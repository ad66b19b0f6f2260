/** That some leaves are in the ledger, as one file that is checked without the ledger: what proofs of sessions and runs share. */
import { z } from 'zod';
import { asCustodyError, CustodyError } from '../errors.ts';
import { parseJsonBytes } from '../json.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { LEAF_MAX_BYTES } from './leaf.ts';
import { HASH_BYTES, inclusionHolds, leafHash } from './merkle.ts';

const leafShape = {
  index: z.int().min(0),
  /** The entry's bytes, UTF-8. */
  leaf: z.string().max(LEAF_MAX_BYTES),
  /** Base64, from the leaf up. */
  proof: z.array(z.base64()).max(64).readonly(),
};

/** As the API answers it. */
export function proofSchema<const Type extends string>(type: Type, leavesMax: number) {
  return z.object({
    type: z.literal(type),
    /** The signed note. */
    checkpoint: z.string(),
    leaves: z.array(z.object(leafShape)).min(1).max(leavesMax).readonly(),
  });
}

/** As a file: nobody signed it as a whole, so nothing may stand in it that nobody checks. */
export function proofFileSchema<const Type extends string>(type: Type, leavesMax: number) {
  return z.strictObject({
    type: z.literal(type),
    checkpoint: z.string(),
    leaves: z.array(z.strictObject(leafShape)).min(1).max(leavesMax).readonly(),
  });
}

export type LeafProof = z.infer<ReturnType<typeof proofSchema<string>>>;
type FileSchema = z.ZodType<LeafProof>;

/** A leaf that is under the checkpoint. */
export interface ProvedLeaf {
  readonly index: number;
  readonly entry: Buffer;
}

/**
 * Checks a proof without the ledger: that its checkpoint is of `origin`, the ledger that the caller expects, and signed by
 * `signer` (SubjectPublicKeyInfo, DER); that each leaf is under its root, and none is there twice. Which leaves it must have is
 * for the caller to say. Throws `format-invalid`, or `ledger-altered` for a leaf that is not under the checkpoint.
 */
export function openLeafProof(
  bytes: Uint8Array,
  expected: { readonly schema: FileSchema; readonly atMost: number; readonly origin: string },
  signer: Uint8Array,
): { readonly size: number; readonly leaves: readonly ProvedLeaf[] } {
  const { checkpoint: note, leaves } = readProof(bytes, expected.schema, expected.atMost);
  const checkpoint = openCheckpoint(note, expected.origin, signer);
  refuseRepeated(leaves);
  return { size: checkpoint.size, leaves: leaves.map((leaf) => openLeaf(leaf, checkpoint)) };
}

function readProof(bytes: Uint8Array, schema: FileSchema, atMost: number): LeafProof {
  const parsed = schema.safeParse(parseProof(bytes, atMost));
  if (parsed.success) return parsed.data;
  throw invalidProof(`${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
}

function parseProof(bytes: Uint8Array, atMost: number): unknown {
  try {
    return parseJsonBytes(bytes, atMost);
  } catch (thrown) {
    throw invalidProof(`it ${asCustodyError(thrown).message}`);
  }
}

/** A leaf that is shown twice proves no more than once, and hides that another is missing. */
function refuseRepeated(leaves: LeafProof['leaves']): void {
  const [indexes, texts] = [new Set<number>(), new Set<string>()];
  for (const { index, leaf } of leaves) {
    if (indexes.has(index) || texts.has(leaf)) throw invalidProof(`it has leaf ${index} twice`);
    indexes.add(index);
    texts.add(leaf);
  }
}

function openLeaf({ index, leaf, proof }: LeafProof['leaves'][number], checkpoint: Checkpoint): ProvedLeaf {
  const entry = Buffer.from(leaf);
  const hashes = proof.map((hash) => Buffer.from(hash, 'base64'));
  const { size, root } = checkpoint;
  const holds =
    hashes.every((hash, n) => hash.byteLength === HASH_BYTES && hash.toString('base64') === proof[n]) &&
    inclusionHolds(leafHash(entry), index, size, hashes, root);
  if (holds) return { index, entry };
  throw new CustodyError('ledger-altered', `leaf ${index} is not under the checkpoint of size ${size}`);
}

export function invalidProof(what: string): CustodyError {
  return new CustodyError('format-invalid', `the ledger's proof cannot be read: ${what}`);
}
