import type {
  APIGatewayProxyEventV2WithLambdaAuthorizer,
  APIGatewayProxyStructuredResultV2,
} from 'aws-lambda';

/** What API Gateway's HTTP API sends (payload format 2.0), behind our authorizer. */
export type ApiEvent = APIGatewayProxyEventV2WithLambdaAuthorizer<{
  readonly principal: string;
  /** Where the call came from, as the authorizer knows it. */
  readonly address?: string;
}>;
export type ApiResult = APIGatewayProxyStructuredResultV2;
