import { type DynamoDBDocumentClient, GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { inBatches } from '#core/in-batches.ts';
import type { LeafPlace, LeafPlaces } from '#core/ledger/ports.ts';
import { reaching } from './failure.ts';

const AT_ONCE = 16;

export interface LeafPlacesPlace {
  readonly dynamo: DynamoDBDocumentClient;
  /** The table of sessions. */
  readonly table: string;
}

/** Beside the sessions' own items, in none of their indexes: a set of numbers, to which the same number is added once. */
export function dynamoLeafPlaces(at: LeafPlacesPlace): LeafPlaces {
  return {
    note: async (places) =>
      void (await reaching('note where leaves are', () =>
        inBatches(places, AT_ONCE, (place) => noteOne(at, place)),
      )),
    of: (session) => reaching('look for leaves', () => placesOf(at, session)),
  };
}

async function noteOne({ dynamo, table }: LeafPlacesPlace, { session, index }: LeafPlace): Promise<void> {
  await dynamo.send(
    new UpdateCommand({
      TableName: table,
      Key: keyOf(session),
      UpdateExpression: 'ADD leaves :index',
      ExpressionAttributeValues: { ':index': new Set([index]) },
    }),
  );
}

async function placesOf({ dynamo, table }: LeafPlacesPlace, session: string): Promise<readonly number[]> {
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: keyOf(session), ConsistentRead: true }),
  );
  const leaves = Item?.['leaves'] as ReadonlySet<number> | undefined;
  return [...(leaves ?? [])].sort((a, b) => a - b);
}

/** No session's id: it has no slash. */
function keyOf(session: string): { readonly id: string } {
  return { id: `leaves/${session}` };
}
