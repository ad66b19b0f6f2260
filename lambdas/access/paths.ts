import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { explanationQuery, explanationShape } from '../explanation/shapes.ts';
import { idempotencyHeader } from '../idempotency-key.ts';
import { answers, operation } from '../operation.ts';
import {
  decisionBody,
  grantPageShape,
  grantShape,
  grantsQuery,
  nothingBody,
  requestBody,
  requestId,
  requestPageShape,
  requestShape,
  requestsQuery,
  reviewBody,
  revocationBody,
} from './shapes.ts';

const path = z.object({ id: requestId });
const ifMatch = z.object({
  'if-match': z.string().optional().meta({ description: 'the ETag of the request that was looked at' }),
});
const key = idempotencyHeader('request');

/** One step of a request: what is sent, and the request as it is then. */
function step(operationId: string, summary: string, body: z.ZodType) {
  return {
    post: operation(operationId, summary, {
      requestParams: { path, header: ifMatch },
      body,
      responses: answers(requestShape, '400', '401', '403', '404', '409', '412'),
    }),
  };
}

/** Requests, decisions, grants, and what would be decided. */
export const accessPaths: ZodOpenApiPathsObject = {
  '/v1/requests': {
    get: operation('listRequests', 'Your requests, and those you may decide about, newest first', {
      requestParams: { query: requestsQuery },
      responses: answers(requestPageShape, '400', '401'),
    }),
    post: operation('createRequest', 'Ask for access', {
      requestParams: { header: key },
      body: requestBody,
      responses: answers({ '201': requestShape }, '400', '401', '403', '404', '409'),
    }),
  },
  '/v1/requests/{id}': {
    get: operation('getRequest', 'One request', {
      requestParams: { path },
      responses: answers(requestShape, '401', '404'),
    }),
  },
  '/v1/requests/{id}/decisions': step('decideRequest', 'Approve or deny a request', decisionBody),
  '/v1/requests/{id}/return': step(
    'returnRequest',
    'Withdraw your request, or give your grant back',
    nothingBody,
  ),
  '/v1/requests/{id}/review': step('reviewRequest', 'Say what you found about a broken glass', reviewBody),
  '/v1/grants': {
    get: operation('listGrants', 'Your grants, and those you may revoke, newest first', {
      requestParams: { query: grantsQuery },
      responses: answers(grantPageShape, '400', '401'),
    }),
  },
  '/v1/grants/{id}': {
    get: operation('getGrant', 'One grant', {
      requestParams: { path },
      responses: answers(grantShape, '401', '404'),
    }),
  },
  '/v1/grants/{id}/return': step('returnGrant', 'Give your grant back before its time', nothingBody),
  '/v1/grants/{id}/revocation': step('revokeGrant', 'Take a grant back; its sessions end', revocationBody),
  '/v1/explanation': {
    get: operation('explain', 'What would be decided about you; for who administers, about anybody and why', {
      requestParams: { query: explanationQuery },
      responses: answers(explanationShape, '400', '401', '403'),
    }),
  },
};
