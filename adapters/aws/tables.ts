/**
 * The tables' keys, declared once: the stack makes tables of them, tests make them in an emulator, and the adapters beside
 * this file use them. All keys are strings. ARCHITECTURE.md says why they are as they are.
 */
export interface TableSchema {
  readonly partition: string;
  readonly sort?: string;
  /** Seconds since 1970: DynamoDB removes the item some time after. */
  readonly expires?: string;
  readonly indexes?: readonly IndexSchema[];
}

export interface IndexSchema {
  readonly name: string;
  readonly partition: string;
  readonly sort: string;
}

/**
 * Sessions as lists show them. `openTask` is there only while a session has no outcome. Beside a session, an item for each who approved
 * its grant: it has `approver` and `session`, and is in no other index.
 */
export const sessionsTable = {
  partition: 'id',
  indexes: [
    { name: 'by-person', partition: 'person', sort: 'id' },
    { name: 'by-target', partition: 'target', sort: 'id' },
    { name: 'by-month', partition: 'month', sort: 'id' },
    { name: 'open-by-task', partition: 'openTask', sort: 'id' },
    { name: 'by-approver', partition: 'approver', sort: 'session' },
  ],
} as const satisfies TableSchema;

/** The journal: what a task has acknowledged and not stored yet, spread over partitions. */
export const journalTable = {
  partition: 'stream',
  sort: 'place',
  expires: 'expires',
} as const satisfies TableSchema;

/** What coordinates tasks: leases, leaves on their way into the ledger, cancel keys and wishes. */
export const coordinationTable = {
  partition: 'kind',
  sort: 'name',
  expires: 'expires',
} as const satisfies TableSchema;

/** Requests with their steps, wishes to end sessions, logouts at identity providers. */
export const accessTable = {
  partition: 'kind',
  sort: 'id',
  expires: 'expires',
  indexes: [
    { name: 'by-requester', partition: 'requester', sort: 'id' },
    { name: 'by-target', partition: 'target', sort: 'id' },
    { name: 'by-state', partition: 'state', sort: 'id' },
    { name: 'untold', partition: 'untold', sort: 'id' },
  ],
} as const satisfies TableSchema;

/** Runs of workflows with their steps, their keys, and digests of what their tasks put out. */
export const runsTable = {
  partition: 'kind',
  sort: 'id',
  expires: 'expires',
  indexes: [
    { name: 'all', partition: 'all', sort: 'id' },
    { name: 'by-workflow', partition: 'workflow', sort: 'id' },
    { name: 'untold', partition: 'untold', sort: 'id' },
    { name: 'unsettled', partition: 'unsettled', sort: 'id' },
  ],
} as const satisfies TableSchema;

/** Events on their way to webhooks: `dueFor` only while one is under way, `dead` only once it was given up. */
export const deliveriesTable = {
  partition: 'id',
  expires: 'expires',
  indexes: [
    { name: 'due', partition: 'dueFor', sort: 'due' },
    { name: 'dead', partition: 'dead', sort: 'added' },
  ],
} as const satisfies TableSchema;

/** By the names that the stack and the environment give them. */
export const tables = {
  sessions: sessionsTable,
  journal: journalTable,
  coordination: coordinationTable,
  access: accessTable,
  runs: runsTable,
  deliveries: deliveriesTable,
} as const satisfies Readonly<Record<string, TableSchema>>;

export type TableName = keyof typeof tables;
