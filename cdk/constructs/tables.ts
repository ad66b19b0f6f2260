import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { type TableName, tables as schemas, type TableSchema } from '#adapters/aws/tables.ts';

/** A table of each schema that the adapters use. */
export class Tables extends Construct {
  readonly byName: Readonly<Record<TableName, TableV2>>;

  constructor(scope: Construct, id: string, key: IKey) {
    super(scope, id);
    const made = Object.entries(schemas).map(([name, schema]) => [name, this.#table(name, schema, key)]);
    this.byName = Object.fromEntries(made) as Record<TableName, TableV2>;
  }

  #table(name: string, schema: TableSchema, key: IKey): TableV2 {
    const { partition, sort, expires, indexes = [] } = schema;
    return new TableV2(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      partitionKey: text(partition),
      ...(sort === undefined ? {} : { sortKey: text(sort) }),
      ...(expires === undefined ? {} : { timeToLiveAttribute: expires }),
      globalSecondaryIndexes: indexes.map((index) => ({
        indexName: index.name,
        partitionKey: text(index.partition),
        sortKey: text(index.sort),
      })),
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.customerManagedKey(key),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

function text(name: string): { readonly name: string; readonly type: AttributeType } {
  return { name, type: AttributeType.STRING };
}
