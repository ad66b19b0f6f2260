import { type DynamoDBDocumentClient, paginateQuery, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';

/** The items of a query in their order, page after page: whoever has enough stops, and no further page is asked for. */
export async function* queried(
  dynamo: DynamoDBDocumentClient,
  input: QueryCommandInput,
): AsyncGenerator<Readonly<Record<string, unknown>>, void, undefined> {
  for await (const { Items = [] } of paginateQuery({ client: dynamo }, input)) yield* Items;
}
