import { createHash, createPublicKey } from 'node:crypto';
import { type HttpHandler, httpHandler, json } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { signerShape } from '../shapes.ts';

export interface SignerPorts {
  readonly pem: string;
  readonly log: FaultLog;
}

/** GET /v1/signer: the public key of the statements. Public, so it needs no token; pin it on first use. */
export function signerHandler({ pem, log }: SignerPorts): HttpHandler {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('sha256').update(der).digest('hex');
  return httpHandler(log, async () => json(signerShape, { pem, fingerprint }));
}
