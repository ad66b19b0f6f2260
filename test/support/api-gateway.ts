import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from 'aws-lambda';
import type { ApiEvent, ApiResult, HttpHandler } from '#lambdas/http.ts';
import { apiRouter } from '#local/api/api-routes.ts';

interface Functions {
  readonly authorizer: (
    event: never,
    context: Context,
  ) => Promise<{ isAuthorized: boolean; context: object }>;
  readonly access: HttpHandler;
  readonly replay: HttpHandler;
  readonly logout: HttpHandler;
}

/** What API Gateway's HTTP API does with our functions: routes, asks the authorizer, hands its context on. */
export async function startApiGateway(
  functions: Functions,
  functionOf: (template: string) => 'access' | 'replay' | 'logout',
): Promise<{ readonly url: string; close(): Promise<void> }> {
  const find = apiRouter();
  const server = createServer((request, response) => {
    void answer(request).then(({ statusCode = 200, headers = {}, body = '', isBase64Encoded = false }) => {
      response.writeHead(statusCode, headers as Record<string, string>);
      response.end(Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
    });
  });
  const answer = async (request: IncomingMessage): Promise<ApiResult> => {
    const address = new URL(`http://api${request.url!}`);
    const routed = find(address.pathname);
    const route = routed?.routes.find(({ method }) => method === request.method);
    if (routed === undefined || route === undefined)
      return { statusCode: 404, body: '{"message":"Not Found"}' };
    const event = await eventOf(request, address, route.key, routed.parameters);
    if (route.needsToken) {
      const authorized = await functions.authorizer(event as never, contextFor());
      if (!authorized.isAuthorized) return { statusCode: 403, body: '{"message":"Forbidden"}' };
      Object.assign(event.requestContext, { authorizer: { lambda: authorized.context } });
    }
    return functions[functionOf(routed.template)](event, contextFor());
  };
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

/** A call's context; `ms`: how long it may still run, which grows shorter with each look. */
export function contextFor(ms = 60_000): Context {
  let left = ms;
  return {
    functionName: 'test',
    awsRequestId: 'test',
    getRemainingTimeInMillis: () => (left -= 500),
  } as unknown as Context;
}

async function eventOf(
  request: IncomingMessage,
  { pathname, search, searchParams }: URL,
  routeKey: string,
  pathParameters: Readonly<Record<string, string>>,
): Promise<ApiEvent> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const sourceIp = request.socket.remoteAddress;
  return {
    version: '2.0',
    routeKey,
    rawPath: pathname,
    rawQueryString: search.slice(1),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    ),
    queryStringParameters: Object.fromEntries(searchParams),
    pathParameters,
    requestContext: { http: { method: request.method, path: pathname, sourceIp } },
    body: Buffer.concat(chunks).toString('utf8'),
    isBase64Encoded: false,
  } as unknown as ApiEvent;
}
