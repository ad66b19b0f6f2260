import { type DynamoDBDocumentClient, paginateQuery, type QueryCommandInput } from '@aws-sdk/lib-dynamodb';

/** The items of a query in their order, page after page: whoever has enough stops, and no further page is asked for. */
export async function* queried<Item = Readonly<Record<string, unknown>>>(
  dynamo: DynamoDBDocumentClient,
  input: QueryCommandInput,
): AsyncGenerator<Item, void, undefined> {
  for await (const { Items = [] } of paginateQuery({ client: dynamo }, input)) yield* Items as Item[];
}

/** The greatest text before an id, for BETWEEN, which takes both its ends. */
export function textBefore(id: string): string {
  const last = id.charCodeAt(id.length - 1) - 1;
  return `${id.slice(0, -1)}${String.fromCharCode(last)}\uffff`;
}
