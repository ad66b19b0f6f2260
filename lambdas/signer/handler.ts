import { createHash, createPublicKey } from 'node:crypto';
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { json, problemJson } from '../problem.ts';

/** GET /v1/signer: the public key of the statements. Public, so it needs no token; pin it on first use. */
export function signerHandler({ pem }: { readonly pem: string }) {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('sha256').update(der).digest('hex');
  return middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
    .use(problemJson())
    .handler(async () => json({ pem, fingerprint }));
}
