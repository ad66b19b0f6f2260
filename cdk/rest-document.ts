import type { FunctionName } from './function-names.ts';
import type { ApiRoute } from './routes.ts';

/** All paths begin with it, so that it is in none of the document: addresses are the same as those of an HTTP API. */
export const STAGE = 'v1';

/**
 * The document that API Gateway makes a REST API of. `invocation`: the URI of a function.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html
 */
export function restDocument(
  routes: readonly ApiRoute[],
  invocation: (name: FunctionName) => string,
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = route.path.replace(`/${STAGE}`, '').replace('{proxy}', '{proxy+}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, invocation(route.to)) };
  }
  return {
    openapi: '3.0.1',
    info: { title: 'Custody', version: '1' },
    paths,
    components: { securitySchemes: { [AUTHORIZER]: authorizer(invocation('authorizer')) } },
    // Else what is no text would arrive as the base64 that functions answer with.
    'x-amazon-apigateway-binary-media-types': ['*/*'],
    // As an HTTP API says it, which the CLI knows.
    'x-amazon-apigateway-gateway-responses': {
      ACCESS_DENIED: refusal(403, 'Forbidden'),
      UNAUTHORIZED: refusal(401, 'Unauthorized'),
    },
  };
}

const AUTHORIZER = 'authorizer';

function operationOf({ path, open }: ApiRoute, uri: string): object {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
  return {
    parameters: names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    responses: { default: { description: 'as /v1/openapi.json says' } },
    ...(open === true ? {} : { security: [{ [AUTHORIZER]: [] }] }),
    'x-amazon-apigateway-integration': {
      type: 'aws_proxy',
      httpMethod: 'POST',
      uri,
      passthroughBehavior: 'when_no_match',
    },
  };
}

/** Every call is looked at anew. */
function authorizer(authorizerUri: string): object {
  return {
    type: 'apiKey',
    name: 'Authorization',
    in: 'header',
    'x-amazon-apigateway-authtype': 'custom',
    'x-amazon-apigateway-authorizer': {
      type: 'request',
      identitySource: 'method.request.header.Authorization',
      authorizerUri,
      authorizerResultTtlInSeconds: 0,
    },
  };
}

function refusal(statusCode: number, message: string): object {
  return { statusCode, responseTemplates: { 'application/json': JSON.stringify({ message }) } };
}
