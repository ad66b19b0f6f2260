import { createHash } from 'node:crypto';
import { GetCommand, QueryCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import {
  type CertificateBook,
  type CertificatePage,
  type IssuedCertificate,
  placeOf,
} from '#core/access/ssh-certificates/book.ts';
import { readIssued, writeIssued } from '#core/access/ssh-certificates/issued-record.ts';
import type { Actor } from '#core/identity/principal.ts';
import type { AccessTable } from '../access-item.ts';
import { named, valued } from '../expression.ts';
import { reaching } from '../failure.ts';

/** After its end, for whoever wants to see what there was; the ledger knows for ever. */
const KEPT_S = 30 * 24 * 3600;

/** What was issued, in DynamoDB: under its number, and in its order under a hash of the account; both in one transaction. */
export function dynamoCertificates(place: AccessTable): CertificateBook {
  return {
    keep: (issued) => reaching('keep an SSH certificate', () => keep(place, issued)),
    find: (serial) => reaching('look for an SSH certificate', () => find(place, serial)),
    of: (account, page) => reaching('list SSH certificates', () => list(place, account, page)),
  };
}

async function keep({ dynamo, table }: AccessTable, issued: IssuedCertificate): Promise<void> {
  const expires = Math.ceil(issued.expiresAt.getTime() / 1000) + KEPT_S;
  const record = writeIssued(issued);
  const keys = [keyOf(issued.serial), { kind: kindOf(issued.person), id: placeOf(issued) }];
  const TransactItems = keys.map((key) => ({
    Put: {
      TableName: table,
      Item: { ...key, record, expires },
    },
  }));
  await dynamo.send(new TransactWriteCommand({ TransactItems }));
}

async function find({ dynamo, table }: AccessTable, serial: string): Promise<IssuedCertificate | undefined> {
  const { Item } = await dynamo.send(
    new GetCommand({ TableName: table, Key: keyOf(serial), ConsistentRead: true }),
  );
  return Item === undefined ? undefined : readIssued(Item['record'] as string);
}

async function list(
  { dynamo, table }: AccessTable,
  account: Actor,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string },
): Promise<CertificatePage> {
  const { Items = [] } = await dynamo.send(
    new QueryCommand({
      TableName: table,
      KeyConditionExpression: cursor === undefined ? '#kind = :kind' : '#kind = :kind AND #id < :cursor',
      ExpressionAttributeNames: cursor === undefined ? named('kind') : named('kind', 'id'),
      ExpressionAttributeValues: valued({
        kind: kindOf(account),
        ...(cursor === undefined ? {} : { cursor }),
      }),
      ConsistentRead: true,
      ScanIndexForward: false,
      Limit: limit + 1,
    }),
  );
  const certificates = Items.slice(0, limit).map(({ record }) => readIssued(record as string));
  const last = certificates.at(-1);
  return { certificates, ...(Items.length > limit && last !== undefined ? { next: placeOf(last) } : {}) };
}

function keyOf(serial: string): { readonly kind: string; readonly id: string } {
  return { kind: `ssh-certificate/${serial}`, id: 'certificate' };
}

function kindOf({ issuer, subject }: Actor): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([issuer, subject]))
    .digest('base64url');
  return `ssh-certificates-of/${hash}`;
}
