import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { idempotencyHeader } from '../idempotency-key.ts';
import { answers, operation } from '../operation.ts';
import { sandboxBody, sandboxesShape, sandboxId, sandboxShape } from './shapes.ts';

const path = z.object({ id: sandboxId });

/** Sandboxes: copies of a target's data as it was at a time. */
export const sandboxPaths: ZodOpenApiPathsObject = {
  '/v1/sandboxes': {
    get: operation('listSandboxes', 'Your sandboxes, newest first; all for who administers', {
      responses: answers(sandboxesShape, '400', '401', '403'),
    }),
    post: operation('makeSandbox', 'Have a sandbox made; ask for it until it is ready', {
      requestParams: { header: idempotencyHeader('sandbox') },
      body: sandboxBody,
      responses: answers({ '202': sandboxShape }, '400', '401', '403', '404', '412', '422'),
    }),
  },
  '/v1/sandboxes/{id}': {
    get: operation('getSandbox', 'One sandbox, and how far it has come', {
      requestParams: { path },
      responses: answers(sandboxShape, '401', '403', '404'),
    }),
    delete: operation('removeSandbox', 'Remove a sandbox now', {
      requestParams: { path },
      responses: answers(sandboxShape, '401', '403', '404'),
    }),
  },
};
