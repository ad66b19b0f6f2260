import type { APIGatewayProxyEvent, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';

type Call = APIGatewayProxyEvent & Pick<APIGatewayRequestAuthorizerEvent, 'methodArn' | 'type'>;

interface Sent {
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly body?: string;
  readonly authorizer?: Readonly<Record<string, unknown>>;
}

/**
 * A call as a private REST API of the stage `v1` hands it on, to a function and to the authorizer (payload format 1.0).
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
 */
export function restCall(
  httpMethod: string,
  path: string,
  { headers = {}, query, body, authorizer }: Sent = {},
) {
  const inStage = path.replace(/^\/v1/, '');
  const last = (all: Readonly<Record<string, readonly string[]>>) =>
    Object.fromEntries(Object.entries(all).map(([name, values]) => [name, values.at(-1)]));
  const call = {
    type: 'REQUEST',
    methodArn: `arn:aws:execute-api:eu-central-1:123456789012:abc/v1/${httpMethod}${inStage}`,
    resource: inStage,
    path: inStage,
    httpMethod,
    headers: last(headers),
    multiValueHeaders: headers,
    queryStringParameters: query === undefined ? null : last(query),
    multiValueQueryStringParameters: query ?? null,
    pathParameters: null,
    stageVariables: null,
    requestContext: {
      path,
      stage: 'v1',
      httpMethod,
      requestId: 'r-1',
      identity: { sourceIp: '10.1.2.3', vpceId: 'vpce-1', vpcId: 'vpc-1' },
      ...(authorizer === undefined ? {} : { authorizer }),
    },
    body: body === undefined ? null : Buffer.from(body).toString('base64'),
    isBase64Encoded: body !== undefined,
  };
  return call as unknown as Call;
}
