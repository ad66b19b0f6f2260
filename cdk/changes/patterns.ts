/** Names and ARNs of what a change of would be told. CloudFormation fills most of them in. */
export interface Watched {
  readonly keys: readonly { readonly id: string; readonly arn: string }[];
  readonly buckets: readonly string[];
  readonly functions: readonly string[];
  /** Of the proxy's task definitions. */
  readonly family: string;
  readonly service: string;
  readonly roles: readonly string[];
  readonly tables: readonly string[];
  /** What runs by itself, and what watches: a rule cannot name itself, so that those have a beginning in common. */
  readonly rules: { readonly names: readonly string[]; readonly prefix: string };
  readonly api: string;
  readonly topic: string;
  readonly stackName: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** A kind of change: calls of one service, as CloudTrail tells them to EventBridge. */
export interface Change {
  readonly source: string | readonly string[];
  readonly detail: Fields;
  /** Where the event says what was changed. */
  readonly what: string;
  readonly says: string;
}

/**
 * Calls that change what the gateway's promises rest on, whoever makes them: also refused ones, which somebody tried. What is of this
 * stack is named, and nothing else rings. Names of calls are CloudTrail's, which differ from IAM's here and there.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 */
export function changesOf(watched: Watched): Readonly<Record<string, Change>> {
  return { ...guards(watched), ...code(watched), ...watchmen(watched) };
}

/** Told of deployments too: whoever may hand CloudFormation its role reaches these with a stack of his own. */
function guards({ keys, buckets, roles, tables, stackName }: Watched): Record<string, Change> {
  const arns = keys.map(({ arn }) => arn);
  return {
    keys: {
      source: 'aws.kms',
      // Grants are made by DynamoDB for a new table, and by whoever wants in.
      detail: {
        eventName: ['PutKeyPolicy', 'ScheduleKeyDeletion', 'DisableKey', 'DisableKeyRotation', 'CreateGrant'],
        $or: [
          { resources: { ARN: arns } },
          { requestParameters: { keyId: [...keys.map(({ id }) => id), ...arns] } },
        ],
      },
      what: 'requestParameters.keyId',
      says: 'the key',
    },
    buckets: {
      source: 'aws.s3',
      detail: { eventName: BUCKET_CHANGES, requestParameters: { bucketName: buckets } },
      what: 'requestParameters.bucketName',
      says: 'the bucket',
    },
    roles: {
      source: 'aws.iam',
      detail: {
        $or: [{ eventName: ROLE_CHANGES, requestParameters: { roleName: roles } }, overflowOf(stackName)],
      },
      what: 'requestParameters.roleName',
      says: 'the role',
    },
    tables: {
      source: 'aws.dynamodb',
      detail: {
        eventName: [
          'DeleteTable',
          'UpdateTable',
          'UpdateTimeToLive',
          'UpdateContinuousBackups',
          'PutResourcePolicy',
        ],
        requestParameters: { $or: [{ tableName: tables }, { resourceArn: tables.map(endsWith('/')) }] },
      },
      what: 'requestParameters.tableName',
      says: 'the table',
    },
  };
}

/**
 * Told where CloudFormation does not do it: another stack cannot change this one's functions and tasks, and a deployment of this one
 * is told by itself.
 */
function code({ functions, family, service, api }: Watched): Record<string, Change> {
  const directly = { userIdentity: NOT_CLOUDFORMATION };
  const lambda = { source: 'aws.lambda', what: 'requestParameters.functionName', says: 'the function' };
  return {
    functions: {
      ...lambda,
      detail: { eventName: FUNCTION_CHANGES, requestParameters: { functionName: functions }, ...directly },
    },
    functionsByArn: {
      ...lambda,
      detail: {
        eventName: FUNCTION_CHANGES,
        requestParameters: { functionName: functions.map(endsWith(':function:')) },
        ...directly,
      },
    },
    tasks: {
      source: 'aws.ecs',
      detail: {
        $or: [
          { eventName: ['RegisterTaskDefinition'], requestParameters: { family: [family] } },
          {
            eventName: ['UpdateService'],
            requestParameters: { service: [service, endsWith('/')(service)], $or: MORE_THAN_SCALING },
          },
          { eventName: ['DeleteService'], requestParameters: { service: [service, endsWith('/')(service)] } },
          { eventName: ['RunTask', 'StartTask'], requestParameters: { taskDefinition: taskOf(family) } },
        ],
        ...directly,
      },
      what: 'requestParameters.service',
      says: 'the tasks of the proxy',
    },
    api: {
      source: 'aws.apigateway',
      detail: {
        eventName: API_CHANGES,
        // Of HTTP APIs, and of REST APIs.
        requestParameters: { $or: [{ apiId: [api] }, { restApiId: [api] }] },
        ...directly,
      },
      what: 'requestParameters.apiId',
      says: 'the API',
    },
  };
}

/** Who watches the watchmen: without a trail, a topic or these rules nothing rings. */
function watchmen({ rules, topic }: Watched): Record<string, Change> {
  const names = [...rules.names, { prefix: rules.prefix }];
  return {
    rules: {
      source: 'aws.events',
      detail: {
        eventName: ['PutRule', 'DisableRule', 'DeleteRule', 'PutTargets', 'RemoveTargets'],
        requestParameters: { $or: [{ name: names }, { rule: names }] },
      },
      what: 'requestParameters.name',
      says: 'a rule that runs functions or tells changes',
    },
    // One rule: an alarm adds ten up at most.
    alarms: {
      source: ['aws.sns', 'aws.cloudtrail'],
      detail: {
        $or: [
          {
            eventName: [
              'DeleteTopic',
              'SetTopicAttributes',
              'AddPermission',
              'RemovePermission',
              'Unsubscribe',
            ],
            requestParameters: {
              $or: [{ topicArn: [topic] }, { subscriptionArn: [{ prefix: `${topic}:` }] }],
            },
          },
          { eventName: ['StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors'] },
        ],
      },
      what: 'requestParameters.name',
      says: 'the topic of alarms, or a trail of this account, without which changes are told to nobody',
    },
  };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html, which calls a lifecycle by its old name. */
const BUCKET_CHANGES = [
  'PutBucketPolicy',
  'DeleteBucketPolicy',
  'PutBucketObjectLockConfiguration',
  'PutBucketVersioning',
  'PutBucketLifecycle',
  'PutBucketLifecycleConfiguration',
  'DeleteBucketLifecycle',
  'PutBucketReplication',
  'PutBucketAcl',
  'PutBucketPublicAccessBlock',
  'DeleteBucketPublicAccessBlock',
  'PutBucketEncryption',
  'DeleteBucket',
];

const ROLE_CHANGES = [
  'PutRolePolicy',
  'DeleteRolePolicy',
  'AttachRolePolicy',
  'DetachRolePolicy',
  'UpdateAssumeRolePolicy',
  'PutRolePermissionsBoundary',
  'DeleteRolePermissionsBoundary',
  'DeleteRole',
];

/** What is too long for a role's own policy is in others, which CDK names so. */
function overflowOf(stackName: string): Fields {
  return {
    eventName: ['CreatePolicyVersion', 'SetDefaultPolicyVersion'],
    requestParameters: { policyArn: [{ wildcard: `*:policy/${stackName}-*OverflowPolicy*` }] },
  };
}

/** In the region of IAM, where the names that CloudFormation made are not known, but how they begin. */
export function forwardedFrom(stackName: string): Fields {
  const roleName = [{ prefix: `${stackName}-` }];
  return { $or: [{ eventName: ROLE_CHANGES, requestParameters: { roleName } }, overflowOf(stackName)] };
}

/** With the date of the API behind them. */
const FUNCTION_CHANGES = [
  'UpdateFunctionCode',
  'UpdateFunctionConfiguration',
  'AddPermission',
  'PutFunctionConcurrency',
  'DeleteFunction',
].map((prefix) => ({ prefix }));

const API_CHANGES = [
  ...['UpdateRoute', 'DeleteRoute', 'UpdateIntegration', 'UpdateAuthorizer', 'DeleteAuthorizer'],
  ...['UpdateMethod', 'PutMethod', 'PutIntegration', 'PutRestApi', 'UpdateRestApi', 'CreateDeployment'],
];

/** A service that scales is updated too, with nothing but another number of tasks. */
const MORE_THAN_SCALING = [
  ...['taskDefinition', 'networkConfiguration', 'enableExecuteCommand', 'loadBalancers'].map((field) => ({
    [field]: [{ exists: true }],
  })),
  { desiredCount: [0] },
];

/** A field that is not there is no other value. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
const NOT_CLOUDFORMATION = {
  $or: [
    { invokedBy: [{ exists: false }] },
    { invokedBy: [{ 'anything-but': 'cloudformation.amazonaws.com' }] },
  ],
};

const endsWith = (before: string) => (name: string) => ({ suffix: `${before}${name}` });

function taskOf(family: string): unknown[] {
  return [family, { prefix: `${family}:` }, { wildcard: `*:task-definition/${family}:*` }];
}
