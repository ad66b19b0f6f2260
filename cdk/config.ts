import { z } from 'zod';
import { durationMs } from '#core/access/duration.ts';
import { isNetwork } from '#core/access/formats.ts';
import { CustodyError } from '#core/errors.ts';

/** What a deployment is told: `context.custody` of cdk.json. Who may reach what is custody.yaml's business. */
export type DeploymentConfig = z.output<typeof schema>;

/** The limit of a load balancer's deregistration delay. */
const DRAIN_MAX_MS = 3_600_000;
const DRAIN_MIN_MS = 60_000;
/** What Fargate sells: CPU units, and from how much memory to how much, in MiB. */
const SIZES: Readonly<Record<number, readonly [number, number]>> = {
  512: [1024, 4096],
  1024: [2048, 8192],
  2048: [4096, 16_384],
  4096: [8192, 30_720],
};

const text = (words: string) => z.string(`expected ${words}`).min(1, `expected ${words}`);
const whole = (min: number, max: number) => {
  const words = `expected a whole number from ${min} to ${max}`;
  return z.int(words).min(min, words).max(max, words);
};
const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) =>
  z.enum(words, `expected ${words.join(' or ')}`);
const section = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape, 'expected an object');

const hostname = text('a host name such as gateway.example.com').regex(
  /^(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+$/,
  'expected a host name such as gateway.example.com',
);
const network = text('a network such as 10.0.0.0/8').refine(
  isNetwork,
  'expected a network such as 10.0.0.0/8',
);

const hostedZoneId = text('the id of a hosted zone')
  .regex(/^Z[A-Z0-9]{1,31}$/, 'expected the id of a hosted zone, such as Z0123456789ABCDEFGHIJ')
  .optional();

const gatewaySchema = section({
  /** Where clients reach the gateway; its DNS record is made by whoever owns the zone. */
  hostname,
  port: whole(1, 65_535).default(5432),
  /** Where SSH clients connect, where custody.yaml has a target for them. */
  sshPort: whole(1, 65_535).default(22),
  /** Where clients of clusters connect, where custody.yaml has one. */
  kubernetesPort: whole(1, 65_535).default(6443),
  /** A secret with the certificate chain that the gateway shows its clients, and its key: JSON `{"cert", "key"}`, both PEM. */
  tlsSecret: text('the name or ARN of a secret in Secrets Manager'),
  /** `internet`: the load balancer has public addresses. */
  reach: oneOf('internal', 'internet').default('internal'),
  /** Of Route 53, where the host name's record is made. */
  hostedZoneId,
  /** Where clients may come from. */
  clients: z
    .array(
      network.refine(
        (one) => !one.includes(':'),
        'expected an IPv4 network: the load balancer has IPv4 addresses alone',
      ),
      'expected a list of networks',
    )
    .min(1, 'expected at least one network'),
});

/** Where the control plane is. */
const apiSchema = section({
  /** A name of yours; API Gateway's own then is no address any more. */
  domainName: hostname.optional(),
  /** Of that name, in the region of the stack. */
  certificateArn: text('the ARN of a certificate')
    .regex(
      /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
      'expected the ARN of a certificate of ACM',
    )
    .optional(),
  hostedZoneId,
  /** Reached through a VPC endpoint alone. */
  private: z.boolean('expected true or false').default(false),
  /** Of execute-api, in a VPC that is there; one is made in a new VPC. */
  endpointId: text('the id of a VPC endpoint')
    .regex(/^vpce-[0-9a-f]{8,17}$/, 'expected the id of a VPC endpoint, such as vpce-0123456789abcdef0')
    .optional(),
  /** Of AWS WAF, in the region of the stack. */
  webAclArn: text('the ARN of a web ACL')
    .regex(
      /^arn:aws[a-z-]*:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\/\S+$/,
      'expected the ARN of a regional web ACL',
    )
    .optional(),
})
  .refine(({ domainName, certificateArn }) => (domainName === undefined) === (certificateArn === undefined), {
    path: ['certificateArn'],
    message: 'expected domainName and certificateArn together',
  })
  .refine(({ private: inside, domainName }) => !inside || domainName === undefined, {
    path: ['domainName'],
    message: 'expected none beside private: its address is that of its endpoint',
  })
  .refine(({ private: inside, endpointId }) => inside || endpointId === undefined, {
    path: ['endpointId'],
    message: 'expected none without private',
  })
  .refine(({ private: inside, webAclArn }) => inside || webAclArn === undefined, {
    path: ['webAclArn'],
    message:
      'expected none without private: WAF knows no HTTP APIs; console.webAclArn is for what comes through CloudFront',
  })
  .refine(({ domainName, hostedZoneId: zone }) => domainName !== undefined || zone === undefined, {
    path: ['hostedZoneId'],
    message: 'expected none without domainName',
  });

const securityGroupId = text('the id of a security group').regex(
  /^sg-[0-9a-f]{8,17}$/,
  'expected the id of a security group, such as sg-0123456789abcdef0',
);
const subnets = z
  .array(
    text('the id of a subnet').regex(
      /^subnet-[0-9a-f]{8,17}$/,
      'expected the id of a subnet, such as subnet-0123456789abcdef0',
    ),
    'expected a list of subnets',
  )
  .min(2, 'expected subnets of two zones at least');

const networkSchema = section({
  /** A VPC that is there; a new one when not given. */
  vpcId: text('the id of a VPC, such as vpc-0123456789abcdef0')
    .regex(/^vpc-[0-9a-f]{8,17}$/, 'expected the id of a VPC, such as vpc-0123456789abcdef0')
    .optional(),
  /** Of that VPC, where tasks and the load balancer are: then nothing is looked up, as in a VPC that another account shares. */
  subnetIds: section({ private: subnets, front: subnets }).optional(),
  /** Of tasks and of the load balancer, with all their rules: nothing is changed in them. */
  securityGroupIds: section({ tasks: securityGroupId, front: securityGroupId }).optional(),
  /** How tasks fetch the issuer's keys: through NAT gateways, or not at all from outside. */
  issuerAccess: oneOf('nat', 'none').default('nat'),
  /** Of a new VPC: 2 let people log in while a zone is away whose gateway was the only one. */
  natGateways: whole(1, 2).default(1),
  /** Where targets are: for more than 40 of them, which no longer have a rule each. */
  targetNetworks: z
    .array(
      text('a network or a prefix list').refine(
        (one) => /^pl-[0-9a-f]{8,17}$/.test(one) || (isNetwork(one) && !one.includes(':')),
        'expected a network such as 10.0.0.0/8, or a prefix list such as pl-0123456789abcdef0',
      ),
      'expected a list of networks',
    )
    .min(1, 'expected at least one network')
    .optional(),
});

const tasksSchema = section({
  min: whole(1, 500).default(2),
  max: whole(1, 500).default(10),
  cpu: z
    .union([z.literal(512), z.literal(1024), z.literal(2048), z.literal(4096)], {
      error: 'expected 512, 1024, 2048 or 4096',
    })
    .default(1024),
  memoryMiB: whole(1024, 30_720).default(2048),
  architecture: oneOf('arm64', 'x64').default('arm64'),
  /** Another task is started where tasks have more sessions than this on average. */
  sessionsEach: whole(1, 5_000).default(200),
  /** A task that has so many refuses more; twice sessionsEach when not given. */
  maxSessions: whole(1, 10_000).optional(),
})
  .refine(({ min, max }) => min <= max, { path: ['max'], message: 'expected at least as many as min' })
  .refine(({ sessionsEach, maxSessions = sessionsEach }) => maxSessions >= sessionsEach, {
    path: ['maxSessions'],
    message: 'expected at least as many as sessionsEach',
  })
  .refine(({ cpu, memoryMiB }) => memoryMiB >= SIZES[cpu]![0] && memoryMiB <= SIZES[cpu]![1], {
    path: ['memoryMiB'],
    message: 'expected a size that Fargate has for this cpu: 2 to 8 MiB for each unit',
  });

/** By what is in it: whoever may write to a registry may give a tag to another image. */
const image = text('an image by its digest, such as registry.example.com/custody@sha256:…').regex(
  /^[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}$/,
  'expected an image by its digest (…@sha256:… with 64 digits): a tag may name another image tomorrow',
);

const keyArn = text('the ARN of a KMS key').regex(
  /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/\S+$/,
  'expected the ARN of a KMS key',
);

/** What the stack has to know about a target beside custody.yaml. */
const targetSchema = section({
  /** Of the database; whoever runs it opens its port to the tasks when it is not given. */
  securityGroupId: securityGroupId.optional(),
  /** For `rdsIam` in custody.yaml. */
  resourceId: text('the resource id of a database or a proxy: cluster-…, db-… or prx-…')
    .regex(
      /^(?:(?:cluster|db)-[A-Z0-9]+|prx-[A-Za-z0-9]+)$/,
      'expected the resource id of a database or a proxy: cluster-…, db-… or prx-…',
    )
    .optional(),
  /** Of a secret that is not encrypted with AWS's own key. */
  secretKeyArn: keyArn.optional(),
  /** Of a cluster of EKS in this account and region: whether the stack lets the proxy's role in; somebody else does where it is false. */
  accessEntry: z.boolean('expected true or false').optional(),
});

const recordingsSchema = section({
  /** The bucket's default; a target's own `retention` in custody.yaml comes before it. */
  lock: oneOf('governance', 'compliance').default('governance'),
  days: whole(1, 36_500).default(365),
  /** The ledger proves what there was, and is kept for longer. */
  ledgerDays: whole(1, 36_500).default(3650),
  acknowledgeCompliance: z.boolean('expected true or false').default(false),
  /** A role that may delete, end legal holds and bypass governance locks; nobody may when it is not given. */
  breakGlassRoleArn: text('the ARN of a role')
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/, 'expected the ARN of a role')
    .optional(),
  /** Who may take a role that reads recordings and the ledger, and nothing else. */
  auditors: z
    .array(
      text('the ARN of a role, or of an account').regex(
        /^arn:aws[a-z-]*:iam::\d{12}:(?:root|role\/\S+|user\/\S+)$/,
        'expected the ARN of a role or a user, or of an account (…:root)',
      ),
      'expected a list of ARNs',
    )
    .default([]),
});

/** Where the console is: behind CloudFront, at the API's address, or nowhere. */
const CONSOLE = 'expected false, "api", or an object with domainName and certificateArn';
const consoleSchema = z.union(
  [
    z.literal(false),
    z.literal('api'),
    z
      .strictObject({
        /** A name of yours for it; its DNS record is made by whoever owns the zone. */
        domainName: hostname.optional(),
        /** Of that name; CloudFront takes certificates of us-east-1. */
        certificateArn: z
          .string()
          .regex(
            /^arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate\/[\w-]+$/,
            'expected the ARN of a certificate in us-east-1',
          )
          .optional(),
        /** Of AWS WAF, for CloudFront. */
        webAclArn: z
          .string()
          .regex(
            /^arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global\/webacl\/\S+$/,
            'expected the ARN of a web ACL for CloudFront',
          )
          .optional(),
      })
      .refine(
        ({ domainName, certificateArn }) => (domainName === undefined) === (certificateArn === undefined),
        CONSOLE,
      ),
  ],
  CONSOLE,
);

const drainTime = text('a time from 1m to 1h, such as 30m').transform((written, context) => {
  const ms = durationMs(written) ?? 0;
  if (ms >= DRAIN_MIN_MS && ms <= DRAIN_MAX_MS) return ms / 1_000;
  context.addIssue({ code: 'custom', message: 'expected a time from 1m to 1h, such as 30m' });
  return z.NEVER;
});

/** What CloudWatch takes. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_DAYS = [
  ...[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096],
  ...[1827, 2192, 2557, 2922, 3288, 3653],
];

const schema = section({
  stackName: text('a name such as Custody')
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,99}$/, 'expected letters, digits and hyphens, a letter first')
    .default('Custody'),
  account: text('twelve digits, in quotes')
    .regex(/^\d{12}$/, 'expected twelve digits, in quotes')
    .optional(),
  region: text('a region such as eu-central-1')
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'expected a region such as eu-central-1')
    .optional(),
  /** A folder with custody.yaml and the certificates that it names, relative to cdk.json. */
  configFolder: text('a folder').default('custody-config'),
  /** The ledger's name, which no other ledger has; from the host name when not given. */
  ledgerOrigin: text('a name such as gateway.example.com/ledger')
    .regex(/^[^\s+]+$/, 'expected no spaces and no plus sign')
    .optional(),
  gateway: gatewaySchema,
  /** Set it once the gateway runs: a first deployment that fails can be removed only without. */
  protect: z.boolean('expected true or false').default(false),
  network: networkSchema.prefault({}),
  api: apiSchema.prefault({}),
  tasks: tasksSchema.prefault({}),
  /** The proxy's, in a registry of yours; without it Docker makes one when the stack is deployed. */
  image: image.optional(),
  /** How long sessions may go on after their task was told to stop, in seconds once it is read. */
  drain: drainTime.prefault('30m'),
  recordings: recordingsSchema.prefault({}),
  console: consoleSchema.prefault({}),
  /** Keys of yours that encrypt secrets, by the secrets' names or ARNs as they are written here and in custody.yaml. */
  secretKeys: z.record(z.string(), keyArn, 'expected an object').default({}),
  /** By their names in custody.yaml. */
  targets: z.record(z.string(), targetSchema, 'expected an object').default({}),
  /** A policy that bounds every role of the stack. */
  permissionsBoundaryArn: text('the ARN of a policy')
    .regex(/^arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy\/\S+$/, 'expected the ARN of a policy')
    .optional(),
  logs: section({
    /** How long logs are kept. */
    days: z.literal(LOG_DAYS, `expected one of ${LOG_DAYS.join(', ')}`).default(365),
  }).prefault({}),
  alarms: section({
    emails: z.array(z.email('expected an e-mail address'), 'expected a list of addresses').default([]),
    /** A second stack, in us-east-1, which passes on what is changed of the roles: IAM tells it there alone. */
    iamChanges: z.boolean('expected true or false').default(false),
  }).prefault({}),
});

const PLACE = 'cdk.json: context.custody';

/** Reads `context.custody`. Throws `config-invalid` that names the key, what was found there and what is expected. */
export function readDeploymentConfig(context: unknown): DeploymentConfig {
  if (context === undefined) throw refusal(PLACE, undefined, 'expected the settings of the deployment');
  const read = schema.safeParse(context);
  if (!read.success) throw firstMistake(read.error.issues, context);
  const { recordings, network, account, region } = read.data;
  if (recordings.lock === 'compliance') requireAcknowledgement(recordings.acknowledgeCompliance, RECORDINGS);
  for (const key of ['subnetIds', 'securityGroupIds'] as const)
    if (network[key] !== undefined && network.vpcId === undefined)
      throw refusal(`${PLACE}.network.vpcId`, undefined, `expected it beside network.${key}`);
  const isLookedUp = network.vpcId !== undefined && network.subnetIds === undefined;
  if (isLookedUp && (account === undefined || region === undefined)) {
    throw refusal(`${PLACE}.${account === undefined ? 'account' : 'region'}`, undefined, VPC_NEEDS);
  }
  if (network.vpcId !== undefined && read.data.api.private && read.data.api.endpointId === undefined)
    throw refusal(
      `${PLACE}.api.endpointId`,
      undefined,
      'expected it beside private and network.vpcId: a VPC of yours brings its endpoints',
    );
  if (read.data.api.private && read.data.console !== false)
    throw refusal(
      `${PLACE}.console`,
      read.data.console,
      'expected false beside api.private: CloudFront does not reach it',
    );
  if (read.data.alarms.iamChanges) requireOtherRegion(account, region);
  return read.data;
}

/** In us-east-1 the gateway's own stack hears of IAM. */
function requireOtherRegion(account: string | undefined, region: string | undefined): void {
  for (const [key, value] of Object.entries({ account, region }))
    if (value === undefined) throw refusal(`${PLACE}.${key}`, value, 'expected it beside alarms.iamChanges');
  if (region !== 'us-east-1') return;
  throw refusal(
    `${PLACE}.alarms.iamChanges`,
    true,
    'expected false in us-east-1, where the stack hears of IAM itself',
  );
}

const RECORDINGS = `${PLACE}.recordings.lock`;
const VPC_NEEDS = 'expected it beside network.vpcId: the VPC is looked up there';

/** Throws `config-invalid` where locks were asked for that nobody can lift, and nobody said to know that. */
export function requireAcknowledgement(acknowledged: boolean, where: string): void {
  if (acknowledged) return;
  throw new CustodyError(
    'config-invalid',
    `${where}: found compliance, expected governance, or recordings.acknowledgeCompliance: true in cdk.json beside it`,
    {
      hint: 'under a compliance lock nobody can delete a recording or end its lock before its time, not even the owner of the account, who pays for it until then',
    },
  );
}

/** A misspelt key comes first: what is then missing follows from it. */
function firstMistake(issues: readonly z.core.$ZodIssue[], context: unknown): CustodyError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const where = [PLACE, ...issue.path].join('.');
  if (issue.code === 'unrecognized_keys') {
    const [key] = issue.keys;
    return new CustodyError('config-invalid', `${where}: there is no key "${key}"`, {
      hint: 'remove it, or correct its name; cdk/README.md lists all keys',
    });
  }
  return refusal(where, valueAt(context, issue.path), issue.message);
}

/** More would hide what is expected. */
const SHOWN = 80;

function refusal(where: string, found: unknown, expected: string): CustodyError {
  const what = found === undefined ? 'nothing' : JSON.stringify(found).slice(0, SHOWN);
  return new CustodyError('config-invalid', `${where}: found ${what}, ${expected}`, {
    hint: `${found === undefined ? 'add it' : 'correct it'} in cdk.json; cdk/README.md has an example`,
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key],
    value,
  );
}
