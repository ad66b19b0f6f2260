import { type HttpHandler, httpHandler } from '../http.ts';
import { openApiDocument } from '../openapi.ts';
import type { FaultLog } from '../problem.ts';

/** GET /v1/openapi.json: it says nothing that is not public, so it needs no token. */
export function openApiHandler({ log }: { readonly log: FaultLog }): HttpHandler {
  const body = JSON.stringify(openApiDocument());
  return httpHandler(log, async () => ({
    statusCode: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' },
    body,
  }));
}
