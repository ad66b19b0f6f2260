import type { TableName } from '#adapters/aws/tables.ts';
import type { RoleName } from './function-names.ts';

/** Operations of DynamoDB, as IAM names them. The writes of a transaction are asked for one by one. */
type TableAction =
  | 'GetItem'
  | 'Query'
  | 'Scan'
  | 'PutItem'
  | 'UpdateItem'
  | 'DeleteItem'
  | 'ConditionCheckItem'
  | 'BatchGetItem'
  | 'BatchWriteItem';

/** A leaf enters the queue in one transaction with the look at whether it left it already. */
const QUEUE_A_LEAF = ['PutItem', 'ConditionCheckItem'] as const;

/** What each role does to which table; none of them makes, changes or drops one. */
export const tableActions: Readonly<
  Record<RoleName, Readonly<Partial<Record<TableName, readonly TableAction[]>>>>
> = {
  proxy: {
    sessions: ['PutItem', 'UpdateItem', 'GetItem'],
    journal: ['PutItem'],
    coordination: [...QUEUE_A_LEAF, 'GetItem', 'Query', 'DeleteItem'],
    access: ['GetItem', 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
    runs: ['GetItem', 'Query', 'PutItem', 'UpdateItem'],
    deliveries: ['PutItem', 'UpdateItem'],
  },
  // Who was logged out or deactivated, and which groups a directory tells.
  authorizer: {
    access: ['GetItem', 'Query', 'BatchGetItem'],
    // How many tokens it refused.
    coordination: ['PutItem'],
  },
  access: {
    // Also what directories tell of somebody's groups.
    access: ['GetItem', 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem', 'ConditionCheckItem'],
    // How the gateway is: leases of tasks, leaves that wait, what processes say of themselves.
    coordination: [...QUEUE_A_LEAF, 'Query'],
    deliveries: ['Query', 'PutItem', 'UpdateItem'],
    // It starts runs, shows and ends them; a grant may be for one.
    runs: ['GetItem', 'Query', 'PutItem', 'UpdateItem'],
    // Whose the sessions of a run are; all that are open.
    sessions: ['GetItem', 'Scan'],
  },
  replay: {
    // All that are open, for who looks for one to watch.
    sessions: ['GetItem', 'Query', 'Scan'],
    coordination: QUEUE_A_LEAF,
    // Wishes to end sessions, and who watches; whether who watches still may.
    access: ['GetItem', 'Query', 'BatchGetItem', 'PutItem'],
    // Of sessions that run: what is not stored yet.
    journal: ['GetItem', 'Query'],
  },
  scim: {
    access: ['GetItem', 'Query', 'BatchGetItem', 'PutItem', 'UpdateItem', 'DeleteItem'],
    coordination: QUEUE_A_LEAF,
  },
  logout: {
    access: ['PutItem'],
    coordination: QUEUE_A_LEAF,
  },
  // Certificates that were issued, and the marks of those that were taken back.
  ssh: {
    access: ['GetItem', 'Query', 'PutItem'],
    coordination: QUEUE_A_LEAF,
  },
  sealer: {
    sessions: ['GetItem', 'Query', 'Scan', 'UpdateItem'],
    // A batch of deletions, and the mark that nothing before it counts.
    journal: ['Query', 'PutItem', 'BatchWriteItem'],
    coordination: [...QUEUE_A_LEAF, 'UpdateItem', 'Query', 'DeleteItem'],
  },
  // What it adds to runs, the notifier tells.
  settler: { runs: ['GetItem', 'Query', 'PutItem'] },
  indexer: { sessions: ['Query', 'GetItem'] },
  sequencer: {
    // Where leaves are.
    sessions: ['UpdateItem'],
    coordination: ['Query', 'PutItem', 'DeleteItem'],
  },
  notifier: {
    access: ['GetItem', 'Query', 'UpdateItem'],
    runs: ['GetItem', 'Query', 'UpdateItem'],
    coordination: QUEUE_A_LEAF,
    deliveries: ['GetItem', 'Query', 'PutItem', 'UpdateItem'],
  },
  console: {},
  // Those of sandboxes alone.
  sandbox: { access: ['GetItem', 'Query', 'PutItem'], coordination: QUEUE_A_LEAF },
};
