/** That a run's beginning and its steps are in the ledger, and what was approved in it (core/tasks/FORMAT.md, "The ledger's proof"). */
import type { z } from 'zod';
import { openLeafProof, type ProvedLeaf, proofFileSchema, proofSchema } from './leaf-proof.ts';

/** A run has at most 400 executions, each of three steps, and what reviewers were asked. */
export const RUN_LEAVES_MAX = 4000;
export const RUN_PROOF_MAX_BYTES = 16 << 20;
const TYPE = 'custody/run-proof/1';

/** As the API answers it. */
export const runProofSchema = proofSchema(TYPE, RUN_LEAVES_MAX);
export type RunProof = z.infer<typeof runProofSchema>;

const schema = proofFileSchema(TYPE, RUN_LEAVES_MAX);

/** Checks a proof without the ledger, as `openLeafProof` does. Which leaves a run's proof must have is for the caller to say. */
export function openRunProof(
  bytes: Uint8Array,
  origin: string,
  signer: Uint8Array,
): { readonly size: number; readonly leaves: readonly ProvedLeaf[] } {
  return openLeafProof(bytes, { schema, atMost: RUN_PROOF_MAX_BYTES, origin }, signer);
}
