/** What the API answers about evidence, the signer and the ledger. */
import type { z } from 'zod';
import type { evidenceShape, signerShape } from '#lambdas/shapes.ts';

export type EvidencePage = z.output<typeof evidenceShape>;
export type EvidenceObject = EvidencePage['objects'][number];
export type Signer = z.output<typeof signerShape>;
