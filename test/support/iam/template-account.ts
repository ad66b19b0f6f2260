import type { Template } from 'aws-cdk-lib/assertions';
import { type Call, isAllowed, type Policy, type Statement } from './judge.ts';
import { arnOf, type Resources, resolved } from './resolved.ts';

/** A policy of a template, and what it is attached to. */
export interface Attached {
  readonly id: string;
  /** A role's own, a resource's, or one that bounds what goes through an endpoint. */
  readonly kind: 'identity' | 'resource' | 'endpoint';
  /** The ARN that it is attached to; of an endpoint, its id. */
  readonly to: string;
  readonly policy: Policy;
}

/** What AWS writes into its own policies. https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaBasicExecutionRole.html */
const MANAGED: Readonly<Record<string, Policy>> = {
  AWSLambdaBasicExecutionRole: [
    {
      Effect: 'Allow',
      Action: ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
      Resource: '*',
    },
  ],
};

type Document = { readonly Statement: Policy };
/** A property of a template, of any shape. */
// oxlint-disable-next-line typescript/no-explicit-any
type Any = any;

/** How the policies of a resource are found; none of those that have none. */
const FOUND: Readonly<
  Record<string, (id: string, properties: Any, arn: (id: string) => string) => Attached[]>
> = {
  'AWS::IAM::Policy': (id, { PolicyDocument, Roles }, arn) =>
    [Roles].flat().map((role: string) => attached(id, 'identity', arn(role), PolicyDocument)),
  'AWS::IAM::Role': (id, { AssumeRolePolicyDocument, Policies = [] }, arn) => [
    attached(id, 'resource', arn(id), AssumeRolePolicyDocument),
    ...Policies.map((own: Any) => attached(id, 'identity', arn(id), own.PolicyDocument)),
  ],
  'AWS::S3::BucketPolicy': (id, { Bucket, PolicyDocument }, arn) => [
    attached(id, 'resource', arn(Bucket), PolicyDocument),
  ],
  'AWS::KMS::Key': (id, { KeyPolicy }, arn) => [attached(id, 'resource', arn(id), KeyPolicy)],
  'AWS::SNS::TopicPolicy': (id, { Topics, PolicyDocument }) =>
    Topics.map((topic: string) => attached(id, 'resource', topic, PolicyDocument)),
  'AWS::EC2::VPCEndpoint': (id, { PolicyDocument }) =>
    PolicyDocument === undefined ? [] : [attached(id, 'endpoint', id, PolicyDocument)],
  'AWS::Lambda::Permission': (id, permission) => [
    { id, kind: 'resource', to: permission.FunctionName, policy: [permissionOf(permission)] },
  ],
  'AWS::ApiGateway::RestApi': (id, { Policy }, arn) =>
    Policy === undefined ? [] : [{ id, kind: 'resource', to: arn(id), policy: ofApi(Policy, arn(id)) }],
};

/** An account with what a template makes in it. */
export class TemplateAccount {
  readonly policies: readonly Attached[];
  readonly #resources: Resources;

  constructor(template: Template) {
    this.#resources = (template.toJSON() as { Resources: Resources }).Resources;
    const arn = (id: string) => arnOf(this.#resources, id);
    this.policies = Object.entries(this.#resources).flatMap(([id, { Type, Properties }]) => {
      const find = FOUND[Type];
      if (find === undefined) return refuseUnknown(id, Type, Properties);
      const managed = managedOf(Properties).map((policy) => ({
        id,
        kind: 'identity' as const,
        to: arn(id),
        policy,
      }));
      return [...find(id, resolved(refsAsIds(Type, Properties), this.#resources), arn), ...managed];
    });
  }

  /** The ARN of the one resource of a type whose logical id begins so. Throws for none, or more. */
  arn(type: string, prefix: string): string {
    return arnOf(this.#resources, this.id(type, prefix));
  }

  id(type: string, prefix: string): string {
    const found = this.ids(type, prefix);
    if (found.length !== 1) throw new Error(`${found.length} of ${type} begin with ${prefix}`);
    return found[0]!;
  }

  ids(type: string, prefix = ''): readonly string[] {
    return Object.keys(this.#resources).filter(
      (id) => this.#resources[id]!.Type === `AWS::${type}` && id.startsWith(prefix),
    );
  }

  /** What of the template a call is judged by. */
  concerning(call: Call): readonly Attached[] {
    const endpoint = call.context['aws:SourceVpce'];
    return this.policies.filter(({ kind, to }) => {
      switch (kind) {
        case 'identity':
          return 'arn' in call.caller && call.caller.arn === to;
        case 'resource':
          return call.resource === to || call.resource.startsWith(`${to}/`);
        case 'endpoint':
          return endpoint === to;
      }
    });
  }
}

/** `others`: what a caller may who is not of the template. */
export function judged(call: Call, concerning: readonly Attached[], others: Policy): boolean {
  const of = (kind: Attached['kind']) => concerning.filter((one) => one.kind === kind);
  const resource = of('resource').flatMap(({ policy }) => policy);
  return isAllowed(call, {
    identity: [...of('identity').flatMap(({ policy }) => policy), ...others],
    resource: resource.length === 0 ? ofOthers(call) : resource,
    bounds: of('endpoint').map(({ policy }) => policy),
    ownPolicyDecides: /^(?:kms|sts):/.test(call.action),
  });
}

/**
 * What is not of the template leaves it to accounts: as KMS makes the policy of a key where nobody gives another, and as a role does that
 * somebody of another account may take. https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 */
function ofOthers({ action, account, caller }: Call): Policy {
  if (action.startsWith('kms:')) return [trusting(account)];
  return action === 'sts:AssumeRole' && 'arn' in caller ? [trusting(caller.arn.split(':')[4]!)] : [];
}

function trusting(account: string): Statement {
  return { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: '*', Resource: '*' };
}

function attached(id: string, kind: Attached['kind'], to: string, { Statement }: Document): Attached {
  return { id, kind, to, policy: Statement };
}

/** Of a bucket, `Ref` is its name: here, what it is a policy of. */
function refsAsIds(type: string, properties: TemplateProperties): TemplateProperties {
  return type === 'AWS::S3::BucketPolicy'
    ? { ...properties, Bucket: (properties['Bucket'] as { Ref: string }).Ref }
    : properties;
}

type TemplateProperties = Readonly<Record<string, unknown>>;

/** A new kind of policy is to be judged too. */
function refuseUnknown(id: string, type: string, properties: TemplateProperties | undefined): [] {
  if (/"Effect":"(?:Allow|Deny)"/.test(JSON.stringify(properties ?? {})))
    throw new Error(`${id} has a policy, and of ${type} none is known here`);
  return [];
}

function managedOf({ ManagedPolicyArns = [] }: { readonly ManagedPolicyArns?: unknown }): Policy[] {
  return (ManagedPolicyArns as unknown[]).flatMap((arn) => {
    const [name] = Object.keys(MANAGED).filter((one) => JSON.stringify(arn).includes(one));
    return name === undefined ? [] : [MANAGED[name]!];
  });
}

/** https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
function permissionOf(permission: Any): Statement {
  const { Action, FunctionName, Principal, SourceArn, SourceAccount } = permission;
  return {
    Effect: 'Allow',
    Principal: { Service: Principal },
    Action,
    Resource: FunctionName,
    Condition: {
      ...(SourceArn === undefined ? {} : { ArnLike: { 'AWS:SourceArn': SourceArn } }),
      ...(SourceAccount === undefined ? {} : { StringEquals: { 'AWS:SourceAccount': SourceAccount } }),
    },
  };
}

/** API Gateway puts the API's own ARN before it. https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html */
function ofApi({ Statement }: Document, arn: string): Policy {
  return Statement.map((statement) => ({
    ...statement,
    Resource: [statement.Resource ?? []].flat().map((one) => one.replace('execute-api:', arn)),
  }));
}
