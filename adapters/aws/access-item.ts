import { type DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import type { AccessRequest } from '#core/access/request.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';

/** Counts what changed: watchers read this one item instead of every grant. */
export const CHANGES = { kind: 'changes', id: 'changes' };

export interface AccessTable {
  readonly dynamo: DynamoDBDocumentClient;
  readonly table: string;
}

/** A request as the table has it. */
export interface RequestItem {
  readonly kind: string;
  readonly id: string;
  readonly request: string;
  readonly steps: number;
  readonly told: number;
  readonly requester: string;
  readonly target: string;
  readonly openUntil: number;
  /** `open` may have run out; `glass` waits for its review for ever; `over` never opens again. */
  readonly state: 'open' | 'glass' | 'over';
  /** Only while something has not been told. */
  readonly untold?: 'yes';
}

/** Whatever may have changed is in the item that `append` rewrites. */
export async function getRequest(place: AccessTable, id: string): Promise<AccessRequest> {
  return parse(await getItem(place, id));
}

/** Sees every write before it. Rejects with `not-found`. */
export async function getItem({ dynamo, table }: AccessTable, id: string): Promise<RequestItem> {
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: keyOf(id), ConsistentRead: true }),
  );
  if (Item !== undefined) return Item as RequestItem;
  throw new CustodyError('not-found', 'no such request', { hint: 'see yours: custody requests' });
}

/** Unambiguous: no two people of different issuers share it. */
export function requesterOf({
  issuer,
  subject,
}: {
  readonly issuer: string;
  readonly subject: string;
}): string {
  return JSON.stringify([issuer, subject]);
}

export function keyOf(id: string): { readonly kind: string; readonly id: string } {
  return { kind: `request/${id}`, id };
}

export function parse({ request }: RequestItem): AccessRequest {
  return parseJson(request) as AccessRequest;
}
