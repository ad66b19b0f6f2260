import { HERE } from '#test/support/iam/resolved.ts';
import { ADMINISTRATOR, type Calls, type Case, may, mayNot } from './calls.ts';

const FOREIGN = '444455556666';

/** Alarms and changes that are told; only over TLS, and of this account. */
export function topicCases(calls: Calls): Case[] {
  const topic = calls.account.arn('SNS::Topic', 'GatewayAlarms');
  const publish = (service: string, context: Record<string, string>) =>
    calls.any({ service }, 'sns:Publish', topic, { 'aws:SecureTransport': 'true', ...context });
  return [
    ...may(
      publish('cloudwatch.amazonaws.com', { 'aws:SourceAccount': HERE.account }),
      publish('events.amazonaws.com', {}),
      calls.any(ADMINISTRATOR, 'sns:Publish', topic, { 'aws:SecureTransport': 'true' }),
    ),
    ...mayNot(
      publish('cloudwatch.amazonaws.com', { 'aws:SourceAccount': FOREIGN }),
      publish('lambda.amazonaws.com', { 'aws:SourceAccount': HERE.account }),
      calls.any(ADMINISTRATOR, 'sns:Publish', topic, { 'aws:SecureTransport': 'false' }),
    ),
  ];
}

/** Who calls functions: what the stack says, and no other API or rule. */
export function functionCases(calls: Calls): Case[] {
  return calls.account.policies
    .filter(({ kind, to }) => kind === 'resource' && to.includes(':function:'))
    .flatMap(({ to, policy: [statement] }) => {
      const { Service: service } = statement!.Principal as { Service: string };
      const source = String(statement!.Condition!['ArnLike']!['AWS:SourceArn']);
      const invoke = (from: string) =>
        calls.any({ service }, 'lambda:InvokeFunction', to, { 'aws:SourceArn': from });
      // Of another API, and of another account.
      const others = [
        source.replace(HERE.account, FOREIGN),
        source.replace(/(rule\/|:)Gateway\w+/, '$1Other'),
      ];
      return [...may(invoke(source.replaceAll('*', 'x'))), ...mayNot(...others.map(invoke))];
    });
}

/** Logs of who read what. */
export function accessLogCases(calls: Calls): Case[] {
  const logs = calls.bucket('AccessLogs');
  const logged = calls.account.policies
    .filter(({ to }) => to === logs)
    .flatMap(({ policy }) => policy)
    .filter(({ Principal }) => JSON.stringify(Principal).includes('logging.s3'));
  return logged.flatMap(({ Resource, Condition }) => {
    const put = (from: object) =>
      calls.s3({ service: 'logging.s3.amazonaws.com' }, 'PutObject', String(Resource).replace('*', 'x'), {
        'aws:SourceArn': String(Condition!['ArnLike']!['aws:SourceArn']),
        'aws:SourceAccount': HERE.account,
        ...from,
      });
    return [
      ...may(...put({})),
      ...mayNot(
        ...put({ 'aws:SourceArn': 'arn:aws:s3:::another' }),
        ...put({ 'aws:SourceAccount': FOREIGN }),
      ),
    ];
  });
}

/** The console's files are for its own distribution. */
export function consoleCases(calls: Calls): Case[] {
  const bucket = calls.bucket('ConsoleEdgeFilesBucket');
  const handler = calls.role('CustomCDKBucketDeployment');
  const id = calls.account.id('CloudFront::Distribution', 'Gateway');
  const read = (distribution: string) => {
    const from = { 'aws:SourceArn': `arn:aws:cloudfront::${HERE.account}:distribution/${distribution}` };
    const service = { service: 'cloudfront.amazonaws.com' };
    return [
      ...calls.s3(service, 'GetObject', `${bucket}/index.html`, from),
      ...calls.s3(service, 'ListBucket', bucket, from),
    ];
  };
  return [
    ...may(...read(id), ...calls.s3(handler, 'PutObject DeleteObject', `${bucket}/index.html`)),
    ...mayNot(...read('EOTHER')),
  ];
}

/** What goes through the endpoints of the network: to this account alone, whoever's credentials somebody brings. */
export function endpointCases(calls: Calls): Case[] {
  const thief = { arn: `arn:aws:iam::${FOREIGN}:user/thief` };
  const through = (prefix: string) => ({
    'aws:SourceVpce': calls.account.id('EC2::VPCEndpoint', `GatewayNetworkVpc${prefix}`),
  });
  const theirs = { caller: thief, account: FOREIGN };
  const [s3, dynamo] = [through('S3'), through('DynamoDb')];
  const [put] = calls.s3(thief, 'PutObject', 'arn:aws:s3:::theirs/x', s3);
  const layers = `arn:aws:s3:::prod-${HERE.region}-starport-layer-bucket/layer`;
  const [layer] = calls.s3(calls.role('GatewayProxyTaskExecutionRole'), 'GetObject', layers, s3);
  const table = `arn:aws:dynamodb:${HERE.region}:${FOREIGN}:table/theirs`;
  return [
    ...may(...calls.s3(ADMINISTRATOR, 'GetObject', `${calls.bucket('ConfigBucket')}/custody.yaml`, s3)),
    ...may(
      ...calls
        .dynamo(ADMINISTRATOR, 'Access', 'PutItem', 'x')
        .map((call) => ({ ...call, context: { ...call.context, ...dynamo } })),
    ),
    ...mayNot({ ...put!, ...theirs }, { ...calls.any(thief, 'dynamodb:PutItem', table, dynamo), ...theirs }),
    // Layers of images are fetched with addresses that ECR signed.
    ...may({ ...layer!, caller: { arn: 'arn:aws:iam::555566667777:role/ecr' }, account: '555566667777' }),
    ...mayNot({
      ...layer!,
      caller: { arn: 'arn:aws:iam::555566667777:role/ecr' },
      account: '555566667777',
      action: 's3:PutObject',
    }),
  ];
}

/** An API that is reached through its endpoint alone. */
export function privateApiCases(calls: Calls): Case[] {
  const api = `${calls.account.arn('ApiGateway::RestApi', 'Gateway')}/v1/GET/whoami`;
  const endpoint = calls.account.id('EC2::VPCEndpoint', 'GatewayNetworkApi');
  const from = (context: Record<string, string>) =>
    calls.any({ service: 'anybody' }, 'execute-api:Invoke', api, context);
  return [
    ...may(from({ 'aws:SourceVpce': endpoint })),
    ...may(
      calls.any(
        { service: 'apigateway.amazonaws.com' },
        'sts:AssumeRole',
        calls.account.arn('IAM::Role', 'GatewayPrivateApi'),
      ),
    ),
    ...mayNot(from({ 'aws:SourceVpce': 'vpce-0123456789abcdef0' }), from({})),
  ];
}

/** Who takes which role: the service that it is for. */
export function trustCases(calls: Calls): Case[] {
  const services: Readonly<Record<string, string>> = {
    GatewayProxyRole: 'ecs-tasks.amazonaws.com',
    GatewayProxyTaskExecutionRole: 'ecs-tasks.amazonaws.com',
    GatewayNetworkVpcFlows: 'vpc-flow-logs.amazonaws.com',
  };
  const lambdas = calls.account.ids('IAM::Role').filter((id) => /^GatewayFunctions|^Custom/.test(id));
  const all = { ...services, ...Object.fromEntries(lambdas.map((id) => [id, 'lambda.amazonaws.com'])) };
  return Object.entries(all).flatMap(([prefix, service]) => {
    const role = calls.account.arn('IAM::Role', prefix);
    return [
      ...may(calls.any({ service }, 'sts:AssumeRole', role)),
      ...mayNot(
        calls.any({ service: 'ec2.amazonaws.com' }, 'sts:AssumeRole', role),
        // An administrator too has to change the role first, which rings.
        calls.any(ADMINISTRATOR, 'sts:AssumeRole', role),
      ),
    ];
  });
}
