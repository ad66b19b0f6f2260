/** That a session's statements are in the ledger, as one file that an auditor checks without the ledger. */
import type { z } from 'zod';
import { type Leaf, parseLeaf } from './leaf.ts';
import { invalidProof, openLeafProof, type ProvedLeaf, proofFileSchema, proofSchema } from './leaf-proof.ts';

/** More than four leaves with the longest proofs and a note. */
export const PROOF_MAX_BYTES = 128 << 10;
export const LEAVES_MAX = 8;
const TYPE = 'custody/ledger-proof/1';

/** As the API answers it. */
export const sessionProofSchema = proofSchema(TYPE, LEAVES_MAX);
export type SessionProof = z.infer<typeof sessionProofSchema>;

const schema = proofFileSchema(TYPE, LEAVES_MAX);

/** A leaf about a session's opening or end. */
export type StatementLeaf = Extract<Leaf, { readonly statement: string }>;

/** What a proof was found to prove. */
export interface ProvedSession {
  readonly origin: string;
  readonly size: number;
  readonly leaves: readonly StatementLeaf[];
}

/** Checks a proof without the ledger, as `openLeafProof` does. Which leaves a session's proof must have is for the caller to say. */
export function openSessionProof(bytes: Uint8Array, origin: string, signer: Uint8Array): ProvedSession {
  const { size, leaves } = openLeafProof(bytes, { schema, atMost: PROOF_MAX_BYTES, origin }, signer);
  return { origin, size, leaves: leaves.map(statementIn) };
}

function statementIn({ index, entry }: ProvedLeaf): StatementLeaf {
  const parsed = parseLeaf(entry);
  if (parsed !== undefined && 'statement' in parsed) return parsed;
  throw invalidProof(`leaf ${index} is not about a statement`);
}
