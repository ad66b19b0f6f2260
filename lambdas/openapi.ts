import { z } from 'zod';
import { createDocument, type ZodOpenApiPathsObject } from 'zod-openapi';
import { sessionProofSchema } from '#core/ledger/session-proof.ts';
import { accessPaths } from './access/paths.ts';
import { configShape } from './config/shapes.ts';
import { devicePaths } from './devices/paths.ts';
import { loginShape } from './login/handler.ts';
import { logoutFailure, logoutForm } from './logout/handler.ts';
import { answers, operation, PUBLIC } from './operation.ts';
import { runPaths } from './runs/paths.ts';
import { sandboxPaths } from './sandboxes/paths.ts';
import { scimPaths } from './scim/paths.ts';
import { searchPaths } from './search/paths.ts';
import { exportQuery } from './sessions/export.ts';
import { liveQuery, liveShape } from './sessions/live/shape.ts';
import { outlineShape } from './sessions/outline.ts';
import { rerunBody, rerunShape } from './sessions/reruns.ts';
import { rowsQuery, rowsShape } from './sessions/rows.ts';
import { stepsQuery, stepsShape } from './sessions/step-shape.ts';
import { summaryShape } from './sessions/summary.ts';
import {
  evidenceQuery,
  evidenceShape,
  sessionId,
  sessionPageShape,
  sessionShape,
  sessionsQuery,
  signerShape,
  targetName,
  targetsShape,
  terminationBody,
  terminationShape,
} from './shapes.ts';
import { sshPaths } from './ssh/paths.ts';
import { statusShape } from './status/shapes.ts';
import { VERSION } from './version.ts';
import { deadLettersQuery, deadLettersShape, retryBody, retryShape } from './webhooks/handler.ts';
import { whoamiShape } from './whoami/handler.ts';

const path = z.object({ id: sessionId });
const stepPath = z.object({
  ...path.shape,
  number: z.int().min(1).meta({ description: 'of the step, from 1' }),
});

/** The API as an OpenAPI 3.1 document, made from the schemas that check what comes and goes. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Custody',
      version: VERSION,
      description: 'Access, recorded sessions and their evidence.',
    },
    security: [{ oidc: [] }],
    components: {
      securitySchemes: {
        oidc: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'an OIDC ID token' },
        scim: { type: 'http', scheme: 'bearer', description: 'the secret of an issuer’s directory' },
      },
    },
    paths: {
      ...accessPaths,
      ...runPaths,
      ...sessionPaths,
      ...searchPaths,
      ...devicePaths,
      ...sandboxPaths,
      ...scimPaths,
      ...sshPaths,
      ...otherPaths,
    },
  });
}

const sessionPaths: ZodOpenApiPathsObject = {
  '/v1/sessions': {
    get: operation('listSessions', 'Your sessions, and others’ that you may replay or end, newest first', {
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
  '/v1/sessions/{id}/steps': {
    get: operation(
      'getSteps',
      'What was done in a session, step by step: by number, time, kind, only errors, only writes',
      {
        requestParams: { path, query: stepsQuery },
        responses: answers(stepsShape, '400', '401', '403', '404', '422'),
      },
    ),
  },
  '/v1/sessions/{id}/steps/{number}/rows': {
    get: operation('getRows', 'All rows of the result of a step, page by page', {
      requestParams: { path: stepPath, query: rowsQuery },
      responses: answers(rowsShape, '400', '401', '403', '404', '412', '422'),
    }),
  },
  '/v1/sessions/{id}/outline': {
    get: operation('getOutline', 'How many steps, errors and writes a session has over its time', {
      requestParams: { path },
      responses: answers(outlineShape, '400', '401', '403', '404', '422'),
    }),
  },
  '/v1/sessions/{id}/export': {
    get: operation('exportSession', 'A session to take away: steps or OCSF events, rows, a script, bytes', {
      requestParams: { path, query: exportQuery },
      responses: {
        '200': {
          description:
            'custody-verdict is that of the evidence; custody-next is the cursor of what follows, with custody-after for events',
          content: {
            'application/x-ndjson': {},
            'text/csv': {},
            'application/sql': {},
            'application/octet-stream': {},
          },
        },
        ...answers({}, '400', '401', '403', '404', '412', '422'),
      },
    }),
  },
  '/v1/sessions/{id}/live': {
    get: operation('watchSession', 'Follow a running session as it becomes durable, by server-sent events', {
      requestParams: { path, query: liveQuery },
      responses: {
        '200': {
          description: 'events step, terminal, lag and end; Last-Event-ID goes on behind a step',
          content: { 'text/event-stream': { schema: liveShape } },
        },
        ...answers({}, '400', '401', '403', '404', '422'),
      },
    }),
  },
  '/v1/sessions/{id}/summary': {
    get: operation(
      'getSummary',
      'What a session came to: rows, tables, files and errors, each by its step, and what was unusual',
      {
        requestParams: { path },
        responses: answers(summaryShape, '400', '401', '403', '404'),
      },
    ),
  },
  '/v1/sessions/{id}/termination': {
    post: operation('terminateSession', 'End a session that is running', {
      requestParams: { path },
      body: terminationBody,
      responses: answers({ '202': terminationShape }, '400', '401', '403', '404', '409'),
    }),
  },
  '/v1/sessions/{id}/reruns': {
    post: operation(
      'rerunSession',
      'Ask whether you may run a session again against a sandbox, and have the ledger know it',
      {
        requestParams: { path },
        body: rerunBody,
        responses: answers(rerunShape, '400', '401', '403', '404', '409'),
      },
    ),
  },
};

const otherPaths: ZodOpenApiPathsObject = {
  '/v1/targets': {
    get: operation('listTargets', 'What you may connect to or ask for, and how', {
      responses: answers(targetsShape, '400', '401'),
    }),
  },
  '/v1/whoami': {
    get: operation('whoami', 'Whom the gateway takes you for, and your groups as its rules see them', {
      responses: answers(whoamiShape, '400', '401'),
    }),
  },
  '/v1/config': {
    get: operation(
      'getConfig',
      'Which configuration is in force, what is in it, and whether a newer one was refused',
      { responses: answers(configShape, '401', '403') },
    ),
  },
  '/v1/status': {
    get: operation(
      'getStatus',
      'How the gateway is: sessions, tasks, ledger, what is left undone, refusals',
      {
        responses: answers(statusShape, '400', '401', '403'),
      },
    ),
  },
  '/v1/dead-letters': {
    get: operation('listDeadLetters', 'What no webhook took', {
      requestParams: { query: deadLettersQuery },
      responses: answers(deadLettersShape, '400', '401', '403', '404'),
    }),
    post: operation('retryDeadLetter', 'Try to deliver it again', {
      body: retryBody,
      responses: answers({ '202': retryShape }, '400', '401', '403', '404'),
    }),
  },
  '/v1/ledger/checkpoint': {
    get: operation('getCheckpoint', "The ledger's newest checkpoint, a signed note (C2SP)", {
      responses: answers({ '200': 'text/plain' }, '401', '404'),
    }),
  },
  '/v1/ledger/{proxy}': {
    get: operation('getTile', 'A tile of hashes or a bundle of entries, under its C2SP tlog-tiles path', {
      requestParams: {
        path: z.object({
          proxy: z
            .string()
            .max(64)
            .meta({ description: 'tile/…, with its slashes', example: 'tile/0/000.p/1' }),
        }),
      },
      responses: answers({ '200': 'application/octet-stream' }, '401', '403', '404'),
    }),
  },
  '/v1/logout/{issuer}': {
    post: operation(
      'logOut',
      'For identity providers: end what they let in (OpenID Connect Back-Channel Logout 1.0)',
      {
        ...PUBLIC,
        requestParams: {
          path: z.object({
            issuer: targetName.meta({ description: 'its name in custody.yaml', example: 'okta' }),
          }),
        },
        form: logoutForm,
        responses: {
          ...answers(z.never(), '404'),
          '200': { description: 'it is over within 5 seconds, and nothing of it is let in again' },
          '400': {
            description: 'nothing was done',
            content: { 'application/json': { schema: logoutFailure } },
          },
          '429': answers(z.never(), '401')['429']!,
        },
      },
    ),
  },
  '/v1/signer': {
    get: operation('getSigner', 'The public key that statements are signed with', {
      ...PUBLIC,
      responses: answers(signerShape),
    }),
  },
  '/v1/login': {
    get: operation('getLogin', 'Where to log in, and what a client needs to know for it', {
      ...PUBLIC,
      responses: answers(loginShape, '400'),
    }),
  },
  '/v1/openapi.json': {
    get: operation('getOpenApi', 'This document', { ...PUBLIC, responses: answers(z.looseObject({})) }),
  },
};
