/** Of the account that a template is put into here. */
export const HERE = { account: '111122223333', region: 'eu-central-1' } as const;

export interface TemplateResource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

export type Resources = Readonly<Record<string, TemplateResource>>;

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::AccountId': HERE.account,
  'AWS::Region': HERE.region,
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::StackName': 'Custody',
  'AWS::StackId': `arn:aws:cloudformation:${HERE.region}:${HERE.account}:stack/Custody/0a1b`,
};

const regional = (service: string, what: string): string =>
  `arn:aws:${service}:${HERE.region}:${HERE.account}:${what}`;

/** How AWS names what CloudFormation makes. */
const ARNS: Readonly<Record<string, (id: string, resource: TemplateResource) => string>> = {
  'AWS::S3::Bucket': (id) => `arn:aws:s3:::${id.toLowerCase()}`,
  'AWS::KMS::Key': (id) => regional('kms', `key/${id}`),
  'AWS::IAM::Role': (id) => `arn:aws:iam::${HERE.account}:role/${id}`,
  'AWS::Lambda::Function': (id, { Properties }) =>
    regional('lambda', `function:${(Properties['FunctionName'] as string | undefined) ?? id}`),
  'AWS::DynamoDB::Table': (id) => regional('dynamodb', `table/${id}`),
  'AWS::Logs::LogGroup': (id) => regional('logs', `log-group:${id}:*`),
  'AWS::SNS::Topic': (id) => regional('sns', id),
  'AWS::SecretsManager::Secret': (id) => regional('secretsmanager', `secret:${id}-AbCdEf`),
  'AWS::Events::Rule': (id) => regional('events', `rule/${id}`),
  'AWS::ApiGateway::RestApi': (id) => regional('execute-api', id),
};

/** Of these, `Ref` is the ARN. */
const REF_IS_ARN = ['AWS::SNS::Topic', 'AWS::SecretsManager::Secret'];

export function arnOf(resources: Resources, id: string): string {
  const resource = resources[id];
  const make = ARNS[resource?.Type ?? ''];
  if (make === undefined) throw new Error(`of ${id}, ${resource?.Type}, no ARN is known here`);
  return make(id, resource!);
}

/** A value of a template with everything filled in. Throws for what it does not know. */
export function resolved(value: unknown, resources: Resources): unknown {
  if (Array.isArray(value)) return value.map((one) => resolved(one, resources));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [[name, given]] = entries.length === 1 ? (entries as [[string, unknown]]) : [['', undefined]];
  if (name === 'Ref') return referred(given as string, resources);
  if (name === 'Fn::GetAtt') return attribute(given as [string, string], resources);
  if (name === 'Fn::Join') {
    const [between, parts] = given as [string, unknown[]];
    return parts.map((part) => String(resolved(part, resources))).join(between);
  }
  if (name === 'Fn::Sub')
    return (given as string).replaceAll(/\$\{([^}]+)\}/g, (_whole, id: string) => referred(id, resources));
  if (name.startsWith('Fn::')) throw new Error(`${name} is not known here`);
  return Object.fromEntries(entries.map(([key, one]) => [key, resolved(one, resources)]));
}

function referred(id: string, resources: Resources): string {
  const pseudo = PSEUDO[id];
  if (pseudo !== undefined) return pseudo;
  return REF_IS_ARN.includes(resources[id]?.Type ?? '') ? arnOf(resources, id) : id;
}

function attribute([id, name]: [string, string], resources: Resources): string {
  return name === 'Arn' ? arnOf(resources, id) : `${id}.${name}`;
}
