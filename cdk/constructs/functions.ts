import { Duration } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, type Code, Function as Lambda, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { FunctionEnvironment } from '../environment.ts';
import { explain } from '../explain.ts';
import {
  CONSOLE_FUNCTION,
  type FunctionName,
  functionNames,
  type StandingFunction,
} from '../function-names.ts';
import { type Places, permit } from '../permissions.ts';
import { encryptedLog } from './log-group.ts';
import type { FunctionPlace } from './network.ts';

export interface FunctionsProps {
  /** Each function's bundle: `index.mjs` (or `index.js`) with `handler`. */
  readonly code: (name: FunctionName) => Code;
  readonly environment: FunctionEnvironment;
  readonly places: Places;
  readonly key: IKey;
  /** Whether there is one for the console's files. */
  readonly servesConsole: boolean;
  /** Where their names have to be known before they are there. */
  readonly namesBegin?: string;
  /** For those that ask the issuer, where only the VPC reaches it. */
  readonly besideIssuer?: FunctionPlace;
}

/** They fetch the issuers' keys. */
const ASK_ISSUER: readonly FunctionName[] = ['authorizer', 'logout'];

interface Size {
  readonly memorySize: number;
  readonly timeout: Duration;
}

/** Those behind the API answer within its half minute; the others may have a backlog. */
const SIZES: Readonly<Record<FunctionName, Size>> = {
  authorizer: { memorySize: 512, timeout: Duration.seconds(10) },
  access: { memorySize: 512, timeout: Duration.seconds(25) },
  // One vCPU: it verifies recordings and decodes them.
  replay: { memorySize: 1769, timeout: Duration.seconds(25) },
  scim: { memorySize: 512, timeout: Duration.seconds(25) },
  logout: { memorySize: 512, timeout: Duration.seconds(25) },
  ssh: { memorySize: 512, timeout: Duration.seconds(25) },
  // As much as a new account may have: the thread that works has a vCPU to itself, and V8's collector the rest. Its memory is bounded
  // at a quarter of it (test/bench/sealer.ts). https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
  sealer: { memorySize: 3008, timeout: Duration.minutes(10) },
  // It verifies recordings and decodes them, as replay does, and whole ones.
  settler: { memorySize: 1769, timeout: Duration.minutes(10) },
  // The same, and it compresses what it makes of them: as long as a function may run.
  indexer: { memorySize: 1769, timeout: Duration.minutes(15) },
  sequencer: { memorySize: 1024, timeout: Duration.minutes(5) },
  // It works until 20 seconds before the end, and is started every minute.
  notifier: { memorySize: 512, timeout: Duration.seconds(80) },
  // Files, which it holds in memory.
  console: { memorySize: 512, timeout: Duration.seconds(10) },
  // A few calls for each sandbox; what takes minutes is not waited for.
  sandbox: { memorySize: 512, timeout: Duration.seconds(50) },
};

/** By the functions' names: `console` only where it is among them. */
type ByName<T> = Readonly<Record<StandingFunction, T> & Partial<Record<FunctionName, T>>>;

/** The control plane, outside the VPC: what it reaches are AWS's own addresses, the issuers' and webhooks'. */
export class Functions extends Construct {
  readonly byName: ByName<Lambda>;
  readonly roles: ByName<Role>;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const names = [...functionNames, ...(props.servesConsole ? ([CONSOLE_FUNCTION] as const) : [])];
    const made = names.map(
      (name) => [name, oneFunction(new Construct(this, titleOf(name)), name, props)] as const,
    );
    const pick = <K extends 'lambda' | 'role'>(key: K) =>
      Object.fromEntries(made.map(([name, parts]) => [name, parts[key]])) as ByName<(typeof made)[0][1][K]>;
    this.byName = pick('lambda');
    this.roles = pick('role');
  }
}

function oneFunction(
  scope: Construct,
  name: FunctionName,
  { code, environment, places, key, besideIssuer, namesBegin }: FunctionsProps,
) {
  const logGroup = encryptedLog(scope, 'Log', key);
  const role = functionRole(scope, logGroup);
  const place = ASK_ISSUER.includes(name) ? besideIssuer : undefined;
  permit(role, name, places);
  const lambda = new Lambda(scope, 'Function', {
    ...(namesBegin === undefined ? {} : { functionName: `${namesBegin}${name}` }),
    description: `Custody: ${name}`,
    code: code(name),
    handler: 'index.handler',
    runtime: Runtime.NODEJS_24_X,
    architecture: Architecture.ARM_64,
    ...SIZES[name],
    ...place,
    role,
    logGroup,
    tracing: Tracing.ACTIVE,
    environment: { ...environment },
  });
  if (place !== undefined)
    explain(
      role,
      'a function in a VPC makes its network interfaces, as the managed policy for that says',
      VPC_POLICY,
    );
  explain(role, 'traces belong to no resource: X-Ray knows only *', 'IAM5[Resource::*]');
  return { lambda, role };
}

const VPC_POLICY =
  'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole]';

/** May write to its own log, which AWS's managed policy would extend to all logs. */
function functionRole(scope: Construct, log: LogGroup): Role {
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  log.grantWrite(role);
  return role;
}

function titleOf(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
