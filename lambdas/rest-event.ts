/** A private API is a REST API, as HTTP APIs cannot be private: its events and answers (payload format 1.0), in the words of the other. */
import type {
  APIGatewayAuthorizerResult,
  APIGatewayProxyEvent,
  APIGatewayRequestAuthorizerEvent,
  APIGatewayRequestAuthorizerEventV2,
} from 'aws-lambda';
import type { ApiEvent } from './api-event.ts';
import type { AuthorizerAnswer } from './authorizer/handler.ts';

/** What is the same in both, as an event of an HTTP API has it. `context.path` has the stage before it, which is `v1`. */
function common(event: APIGatewayProxyEvent | APIGatewayRequestAuthorizerEvent) {
  const { requestContext: context, multiValueHeaders, multiValueQueryStringParameters } = event;
  const headers = Object.entries(multiValueHeaders ?? {});
  const asked = Object.entries(multiValueQueryStringParameters ?? {});
  const query = asked.flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return {
    version: '2.0',
    routeKey: `${context.httpMethod} /${context.stage}${event.resource}`,
    rawPath: context.path,
    rawQueryString: String(new URLSearchParams(query)),
    headers: Object.fromEntries(headers.map(([name, values = []]) => [name.toLowerCase(), values.join(',')])),
    ...(asked.length === 0
      ? {}
      : {
          queryStringParameters: Object.fromEntries(
            asked.map(([name, values = []]) => [name, values.join(',')]),
          ),
        }),
    ...(event.pathParameters === null ? {} : { pathParameters: event.pathParameters }),
    requestContext: {
      requestId: context.requestId,
      http: { method: context.httpMethod, path: context.path, sourceIp: context.identity.sourceIp },
    },
  };
}

/** A call as handlers know it, whichever of the two it came through. */
export function apiEventOf(event: ApiEvent | APIGatewayProxyEvent): ApiEvent {
  if ('rawPath' in event) return event;
  const { requestContext, ...rest } = common(event);
  const { authorizer } = event.requestContext;
  const lambda = authorizer && { principal: authorizer['principal'], address: authorizer['address'] };
  return {
    ...rest,
    ...(event.body === null ? {} : { body: event.body }),
    isBase64Encoded: event.isBase64Encoded,
    requestContext: { ...requestContext, ...(lambda && { authorizer: { lambda } }) },
  } as unknown as ApiEvent;
}

/** A question to the authorizer, in the form that it answers. */
export function authorizerEventOf(
  event: APIGatewayRequestAuthorizerEvent | APIGatewayRequestAuthorizerEventV2,
): APIGatewayRequestAuthorizerEventV2 {
  return 'methodArn' in event ? (common(event) as unknown as APIGatewayRequestAuthorizerEventV2) : event;
}

/** The authorizer's answer as a REST API takes it: a policy for this one call, which nobody keeps. */
export function restAnswerOf(
  { isAuthorized, context }: AuthorizerAnswer,
  methodArn: string,
): APIGatewayAuthorizerResult {
  const Effect = isAuthorized ? 'Allow' : 'Deny';
  const statement = { Action: 'execute-api:Invoke', Effect, Resource: methodArn } as const;
  return {
    principalId: isAuthorized ? 'caller' : 'nobody',
    policyDocument: { Version: '2012-10-17', Statement: [statement] },
    context: { ...context },
  };
}
