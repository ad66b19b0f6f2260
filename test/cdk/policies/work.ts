const QUEUE = ['queue/3', 'done/0a1b'];
const LOCK = 'PutObject PutObjectRetention PutObjectLegalHold';

/** A lease that somebody else writes keeps a lost task's sessions from being sealed. */
const NO_LEASES = ['Coordination', 'PutItem ConditionCheckItem', 'leases', 'pulses', 'cancel-key/x'] as const;

/** Which tables a role works with, and with which partitions of them. */
export interface Work {
  readonly tables: readonly (readonly [table: string, actions: string, ...partitions: string[]])[];
  readonly evidence?: readonly (readonly [actions: string, key: string])[];
  /** What it may not, that others may. */
  readonly not?: {
    readonly tables?: Work['tables'];
    readonly evidence?: Work['evidence'];
  };
}

/** Each call that the code makes with DynamoDB and the bucket of evidence. */
export const WORK: Readonly<Record<string, Work>> = {
  GatewayProxyRole: {
    tables: [
      ['Sessions', 'PutItem UpdateItem GetItem', 'x'],
      ['Journal', 'PutItem', 'task/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'GetItem Query PutItem DeleteItem', 'cancel-key/x', 'leases'],
      ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem ConditionCheckItem', 'request/x'],
      ['Access/by-requester', 'Query', 'dana'],
      ['Runs', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Deliveries', 'PutItem UpdateItem', 'x'],
    ],
    evidence: [[LOCK, 'sessions/a/open.json']],
    not: {
      tables: [
        ['Journal', 'Query DeleteItem Scan', 'task/x'],
        ['Access', 'DeleteItem Scan', 'request/x'],
        ['Sessions', 'DeleteItem Scan', 'x'],
      ],
      evidence: [
        ['GetObject DeleteObject BypassGovernanceRetention', 'sessions/a/open.json'],
        [LOCK, 'ledger/checkpoint'],
        [LOCK, 'workflows/w'],
      ],
    },
  },
  GatewayFunctionsAuthorizerRole: {
    tables: [
      ['Access', 'GetItem BatchGetItem Query', 'logout/x', 'scim/x/users'],
      ['Coordination', 'PutItem', 'pulses'],
    ],
    not: {
      tables: [
        ['Access', 'PutItem', 'logout/x'],
        ['Coordination', 'PutItem', 'queue/3', 'leases', 'pulses-of-others'],
      ],
      evidence: [['GetObject', 'sessions/a/open.json']],
    },
  },
  GatewayFunctionsAccessRole: {
    tables: [
      ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem ConditionCheckItem', 'request/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'Query', 'leases', 'pulses', 'queue/3'],
      ['Deliveries', 'PutItem UpdateItem Query', 'x'],
      ['Deliveries/dead', 'Query', 'x'],
      ['Runs', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Sessions', 'GetItem Scan', 'x'],
      ['Sessions/open-by-task', 'Scan', 'x'],
    ],
    evidence: [
      ['GetObject', 'sessions/a/task.json'],
      [`GetObject ${LOCK}`, 'workflows/w'],
      ['GetObject', 'ledger/checkpoint'],
    ],
    not: {
      tables: [
        NO_LEASES,
        // Keys of connections, and wishes to end them.
        ['Coordination', 'PutItem ConditionCheckItem Query', 'cancel-key/x', 'wishes/x'],
        ['Sessions', 'PutItem UpdateItem Query', 'x'],
      ],
      evidence: [
        ['GetObject', 'sessions/a/open.json'],
        [LOCK, 'sessions/a/task.json'],
        [LOCK, 'ledger/checkpoint'],
      ],
    },
  },
  GatewayFunctionsReplayRole: {
    tables: [
      ['Sessions', 'GetItem Query Scan', 'x'],
      ['Sessions/by-person', 'Query', 'dana'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Access', 'GetItem BatchGetItem Query PutItem', 'x'],
      ['Journal', 'GetItem Query', 'task/x'],
    ],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      ['GetObject', 'ledger/checkpoint'],
      ['GetObject', 'indexes/a/x'],
    ],
    not: {
      tables: [
        NO_LEASES,
        ['Sessions', 'PutItem UpdateItem', 'x'],
        ['Journal', 'PutItem DeleteItem', 'task/x'],
      ],
      evidence: [
        [LOCK, 'sessions/a/open.json'],
        [LOCK, 'indexes/a/x'],
      ],
    },
  },
  GatewayFunctionsScimRole: {
    tables: [
      [
        'Access',
        'GetItem BatchGetItem Query PutItem UpdateItem DeleteItem',
        'scim/x/users',
        'scim-name/x/users',
        'scim-mark',
        'scim-owed',
      ],
      ['Access/untold', 'Query', 'scim'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: {
      tables: [
        ['Access', 'GetItem BatchGetItem Query PutItem UpdateItem DeleteItem', 'request/x', 'logout/x'],
        ['Access/untold', 'Query', 'x'],
        NO_LEASES,
      ],
      evidence: [['GetObject', 'sessions/a/open.json']],
    },
  },
  GatewayFunctionsLogoutRole: {
    tables: [
      ['Access', 'PutItem', 'logout/x', 'logout-token/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'GetItem Query DeleteItem', 'logout/x'], NO_LEASES] },
  },
  GatewayFunctionsSshRole: {
    tables: [
      ['Access', 'GetItem Query PutItem', 'certificate/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'UpdateItem DeleteItem', 'certificate/x'], NO_LEASES] },
  },
  GatewayFunctionsSealerRole: {
    tables: [
      ['Sessions', 'GetItem Query Scan UpdateItem', 'x'],
      ['Journal', 'Query PutItem BatchWriteItem', 'task/x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
      ['Coordination', 'Query UpdateItem DeleteItem', 'leases', 'sealing'],
    ],
    evidence: [[`GetObject ${LOCK}`, 'sessions/a/close.json']],
    not: { evidence: [[`GetObject ${LOCK}`, 'ledger/checkpoint']] },
  },
  GatewayFunctionsSettlerRole: {
    tables: [['Runs', 'GetItem Query PutItem', 'x']],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      [LOCK, 'sessions/a/task.json'],
      ['GetObject', 'workflows/w'],
    ],
    not: {
      evidence: [
        [LOCK, 'sessions/a/close.json'],
        [LOCK, 'workflows/w'],
      ],
    },
  },
  GatewayFunctionsIndexerRole: {
    tables: [['Sessions', 'GetItem Query', 'x']],
    evidence: [
      ['GetObject', 'sessions/a/open.json'],
      [`GetObject ${LOCK}`, 'indexes/a/x'],
    ],
    not: { tables: [['Sessions', 'UpdateItem', 'x']], evidence: [[LOCK, 'sessions/a/open.json']] },
  },
  GatewayFunctionsSequencerRole: {
    tables: [
      ['Sessions', 'UpdateItem', 'x'],
      ['Coordination', 'Query PutItem DeleteItem', ...QUEUE],
    ],
    evidence: [[`GetObject ${LOCK}`, 'ledger/tile/0/000']],
    not: { evidence: [[`GetObject ${LOCK}`, 'sessions/a/open.json']] },
  },
  GatewayFunctionsNotifierRole: {
    tables: [
      ['Access', 'GetItem Query UpdateItem', 'request/x'],
      ['Access/untold', 'Query', 'x'],
      ['Runs', 'GetItem Query UpdateItem', 'x'],
      ['Deliveries', 'GetItem Query PutItem UpdateItem', 'x'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: { tables: [['Access', 'PutItem DeleteItem', 'request/x'], NO_LEASES] },
  },
  GatewayFunctionsSandboxRole: {
    tables: [
      ['Access', 'GetItem Query PutItem', 'sandbox'],
      ['Coordination', 'PutItem ConditionCheckItem', ...QUEUE],
    ],
    not: {
      tables: [
        ['Access', 'GetItem Query PutItem', 'request/x', 'sandbox2'],
        ['Access/by-state', 'Query', 'x'],
        NO_LEASES,
      ],
    },
  },
};
