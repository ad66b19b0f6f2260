import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { tables as schemas, type TableName, type TableSchema } from '#adapters/aws/tables.ts';
import { KEPT } from '../kept.ts';
import type { Places } from '../permissions.ts';

/**
 * Writes a second that a table takes from its first day on, where 4,000 are not enough, which a new one and each of its indexes take
 * by themselves: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html. AWS charges once, for what
 * is above those; it may be raised at any time, within the quota of a table (40,000), and never lowered. The journal's 32 shards
 * a task then lie in 16 partitions of 1,000 each: eight sessions at the pace from which on they go to S3.
 */
const WARM_WRITES: Partial<Record<TableName, number>> = { journal: 16_000 };

/** A table of each schema that the adapters use. */
export class Tables extends Construct {
  readonly byName: Readonly<Record<TableName, Table>>;

  constructor(scope: Construct, id: string, key: IKey, protect: boolean) {
    super(scope, id);
    this.byName = forEach((name) => this.#table(name, schemas[name], key, protect));
  }

  /** For policies: each table's ARN, and its indexes by their names. */
  get places(): Places['tables'] {
    return forEach((name) => {
      const { indexes = [] }: TableSchema = schemas[name];
      return { tableArn: this.byName[name].tableArn, indexes: indexes.map((index) => index.name) };
    });
  }

  /** Not TableV2: that one cannot take a key of ours where the region is not known yet. */
  #table(name: TableName, schema: TableSchema, key: IKey, protect: boolean): Table {
    const { partition, sort, expires, indexes = [] } = schema;
    const writeUnitsPerSecond = WARM_WRITES[name];
    const table = new Table(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      partitionKey: text(partition),
      ...(sort === undefined ? {} : { sortKey: text(sort) }),
      ...(expires === undefined ? {} : { timeToLiveAttribute: expires }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(writeUnitsPerSecond === undefined ? {} : { warmThroughput: { writeUnitsPerSecond } }),
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: key,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: protect,
      removalPolicy: KEPT,
    });
    for (const { name: indexName, partition, sort } of indexes) {
      table.addGlobalSecondaryIndex({ indexName, partitionKey: text(partition), sortKey: text(sort) });
    }
    return table;
  }
}

function forEach<T>(make: (name: TableName) => T): Record<TableName, T> {
  const names = Object.keys(schemas) as TableName[];
  return Object.fromEntries(names.map((name) => [name, make(name)])) as Record<TableName, T>;
}

function text(name: string): { readonly name: string; readonly type: AttributeType } {
  return { name, type: AttributeType.STRING };
}
