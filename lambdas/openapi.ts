import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { sessionProofSchema } from '#core/ledger/session-proof.ts';
import {
  evidenceQuery,
  evidenceShape,
  problemShape,
  sessionId,
  sessionPageShape,
  sessionShape,
  sessionsQuery,
  signerShape,
  targetsShape,
} from './shapes.ts';

const VERSION = '0.1.0';
const PUBLIC = { security: [] };
const path = z.object({ id: sessionId });

/** The API as an OpenAPI 3.1 document, made from the schemas that check what comes and goes. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Custody', version: VERSION, description: 'Recorded sessions and their evidence.' },
    security: [{ oidc: [] }],
    components: {
      securitySchemes: {
        oidc: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'an OIDC ID token' },
      },
    },
    paths: {
      '/v1/sessions': {
        get: operation('listSessions', 'Your sessions, and others’ that you may replay, newest first', {
          requestParams: { query: sessionsQuery },
          responses: answers(sessionPageShape, '400', '401'),
        }),
      },
      '/v1/sessions/{id}': {
        get: operation('getSession', 'One session', {
          requestParams: { path },
          responses: answers(sessionShape, '401', '404'),
        }),
      },
      '/v1/sessions/{id}/ledger': {
        get: operation('getLedgerProof', 'The proof that a session is in the ledger', {
          requestParams: { path },
          responses: answers(sessionProofSchema, '401', '404'),
        }),
      },
      '/v1/sessions/{id}/evidence': {
        get: operation('getEvidence', 'Where the objects of a session can be fetched for a minute', {
          requestParams: { path, query: evidenceQuery },
          responses: answers(evidenceShape, '400', '401', '403', '404'),
        }),
      },
      '/v1/targets': {
        get: operation('listTargets', 'What you may connect to, and how', {
          responses: answers(targetsShape, '400', '401'),
        }),
      },
      '/v1/signer': {
        get: operation('getSigner', 'The public key that statements are signed with', {
          ...PUBLIC,
          responses: answers(signerShape),
        }),
      },
      '/v1/openapi.json': {
        get: operation('getOpenApi', 'This document', { ...PUBLIC, responses: answers(z.looseObject({})) }),
      },
    },
  });
}

function operation(
  operationId: string,
  summary: string,
  rest: ZodOpenApiOperationObject,
): ZodOpenApiOperationObject {
  return { operationId, summary, ...rest };
}

/** 200 with this shape; these problems, and 500, which can always happen. */
function answers(shape: z.ZodType, ...problems: readonly ErrorStatus[]): ZodOpenApiResponsesObject {
  const failures = [...problems, '500' as const].map((status) => [status, PROBLEM] as const);
  return {
    '200': { description: 'OK', content: { 'application/json': { schema: shape } } },
    ...Object.fromEntries(failures),
  };
}

type ErrorStatus = '400' | '401' | '403' | '404';

const PROBLEM = {
  description: 'a problem',
  content: { 'application/problem+json': { schema: problemShape } },
};
