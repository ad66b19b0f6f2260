import { describe, expect, it } from 'vitest';
import { type Conditions, holdAll } from './conditions.ts';
import { type Call, isAllowed, type Policies, type Policy, type Statement } from './judge.ts';
import { contextOf, type Keys } from './patterns.ts';

const ACCOUNT = '111122223333';
const ROLE = `arn:aws:iam::${ACCOUNT}:role/app`;
const THEIRS = 'arn:aws:iam::444455556666:role/app';
const DOCS = 'https://docs.aws.amazon.com/IAM/latest/UserGuide/';

const holds = (conditions: Conditions, context: Keys) => holdAll(conditions, contextOf(context));
const OPERATORS = `${DOCS}reference_policies_elements_condition_operators.html`;
const SETS = `${DOCS}reference_policies_condition-single-vs-multi-valued-context-keys.html`;

/** A condition, and calls' keys for which it holds or does not: as the page says, in its words or its table. */
const CONDITIONS: readonly (readonly [
  page: string,
  Conditions,
  holds: readonly Keys[],
  not: readonly Keys[],
])[] = [
  [
    OPERATORS,
    { StringEquals: { 'aws:PrincipalTag/job-category': 'iamuser-admin' } },
    [
      { 'aws:PrincipalTag/job-category': 'iamuser-admin' },
      { 'aws:principaltag/JOB-CATEGORY': 'iamuser-admin' },
    ],
    [
      { 'aws:PrincipalTag/job-category': 'iamuser' },
      { 'aws:PrincipalTag/job-category': 'IAMUSER-ADMIN' },
      {},
    ],
  ],
  [OPERATORS, { StringEquals: { k: 'a*' } }, [{ k: 'a*' }], [{ k: 'ab' }]],
  [OPERATORS, { StringEqualsIgnoreCase: { k: 'Abc' } }, [{ k: 'aBC' }], [{ k: 'ab' }]],
  // "If the key that you specify in a policy condition is not present in the request context, the values do not match": a negated one holds.
  [OPERATORS, { StringNotEquals: { k: 'a' } }, [{ k: 'b' }, {}], [{ k: 'a' }]],
  [OPERATORS, { StringNotEquals: { k: ['a', 'b'] } }, [{ k: 'c' }, {}], [{ k: 'a' }, { k: 'b' }]],
  [
    OPERATORS,
    { StringLike: { 's3:prefix': ['', 'home/', 'home/?x/*'] } },
    [{ 's3:prefix': 'home/ax/b' }, { 's3:prefix': '' }],
    [{ 's3:prefix': 'home/x/b' }, {}],
  ],
  [OPERATORS, { StringNotLike: { k: 'a*' } }, [{ k: 'b' }, {}], [{ k: 'ab' }]],
  [
    OPERATORS,
    { NumericLessThanEquals: { 's3:max-keys': '10' } },
    [{ 's3:max-keys': '10' }, { 's3:max-keys': '9' }],
    [{ 's3:max-keys': '100' }, {}],
  ],
  [OPERATORS, { NumericNotEquals: { k: '10' } }, [{ k: '9' }, {}], [{ k: '10.0' }]],
  [
    OPERATORS,
    { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    [{ 's3:TlsVersion': '1.1' }],
    [{ 's3:TlsVersion': '1.2' }, {}],
  ],
  [
    OPERATORS,
    { DateGreaterThan: { 'aws:TokenIssueTime': '2020-01-01T00:00:01Z' } },
    [{ 'aws:TokenIssueTime': '2020-01-01T00:00:02Z' }, { 'aws:TokenIssueTime': '1577836802' }],
    [{ 'aws:TokenIssueTime': '2020-01-01T00:00:01Z' }, {}],
  ],
  [
    OPERATORS,
    { Bool: { 'aws:SecureTransport': 'false' } },
    [{ 'aws:SecureTransport': 'false' }],
    [{ 'aws:SecureTransport': 'true' }, {}],
  ],
  [
    OPERATORS,
    { IpAddress: { 'aws:SourceIp': ['203.0.113.0/24', '2001:DB8:1234:5678::/64'] } },
    [{ 'aws:SourceIp': '203.0.113.9' }, { 'aws:SourceIp': '2001:db8:1234:5678::1' }],
    [{ 'aws:SourceIp': '203.0.114.9' }, {}],
  ],
  [
    OPERATORS,
    { NotIpAddress: { 'aws:SourceIp': '203.0.113.0/24' } },
    [{ 'aws:SourceIp': '203.0.114.9' }, {}],
    [{ 'aws:SourceIp': '203.0.113.9' }],
  ],
  // "Each of the six colon-delimited components of the ARN is checked separately", and ArnEquals does as ArnLike.
  ...(['ArnLike', 'ArnEquals'] as const).map(
    (operator) =>
      [
        OPERATORS,
        { [operator]: { 'aws:SourceArn': 'arn:aws:sns:*:123456789012:t?pic*' } },
        [{ 'aws:SourceArn': 'arn:aws:sns:eu-west-1:123456789012:topic:x' }],
        [
          { 'aws:SourceArn': 'arn:aws:sns:a:b:123456789012:topic' },
          { 'aws:SourceArn': 'arn:aws:sns:eu-west-1:1:topic' },
          {},
        ],
      ] as const,
  ),
  [
    OPERATORS,
    { ArnNotLike: { 'aws:PrincipalArn': [ROLE, THEIRS] } },
    [{ 'aws:PrincipalArn': `${ROLE}2` }, {}],
    [{ 'aws:PrincipalArn': THEIRS }],
  ],
  [
    OPERATORS,
    { StringEqualsIfExists: { 'ec2:InstanceType': ['t1', 't2'] } },
    [{ 'ec2:InstanceType': 't2' }, {}],
    [{ 'ec2:InstanceType': 'm1' }],
  ],
  [OPERATORS, { Null: { 'aws:TokenIssueTime': 'true' } }, [{}], [{ 'aws:TokenIssueTime': '1' }]],
  [OPERATORS, { Null: { 'aws:TokenIssueTime': 'false' } }, [{ 'aws:TokenIssueTime': '1' }], [{}]],
  // Several operators or keys: all of them.
  [
    OPERATORS,
    { StringEquals: { a: '1', b: '2' }, Null: { c: 'true' } },
    [{ a: '1', b: '2' }],
    [{ a: '1' }, { a: '1', b: '2', c: '3' }],
  ],
  [
    SETS,
    { 'ForAllValues:StringEquals': { 'aws:TagKeys': ['environment', 'cost-center'] } },
    [
      { 'aws:TagKeys': ['environment', 'cost-center'] },
      { 'aws:TagKeys': 'environment' },
      { 'aws:TagKeys': [] },
      {},
    ],
    [{ 'aws:TagKeys': ['environment', 'dept'] }],
  ],
  [
    SETS,
    { 'ForAnyValue:StringEquals': { 'aws:TagKeys': ['webserver', 'storage'] } },
    [{ 'aws:TagKeys': ['environment', 'webserver'] }],
    [{ 'aws:TagKeys': ['environment'] }, { 'aws:TagKeys': [] }, {}],
  ],
  [SETS, { 'ForAllValues:StringNotLike': { k: ['a*'] } }, [{ k: ['b', 'c'] }, {}], [{ k: ['b', 'ab'] }]],
  [SETS, { 'ForAnyValue:StringNotEquals': { k: ['a'] } }, [{ k: ['a', 'b'] }], [{ k: ['a'] }, {}]],
  [
    `${DOCS}reference_policies_variables.html`,
    { StringLike: { 's3:prefix': '${aws:username}/*' } },
    [{ 's3:prefix': 'dana/x', 'aws:username': 'dana' }],
    [
      { 's3:prefix': 'dan/x', 'aws:username': 'dana' },
      { 's3:prefix': 'dana/x' },
      { 's3:prefix': 'dana/x', 'aws:username': '*' },
    ],
  ],
  [
    `${DOCS}reference_policies_variables.html`,
    { StringLike: { k: "${aws:PrincipalTag/team, 'company-wide'}/${*}" } },
    [{ k: 'company-wide/*' }, { k: 'a/*', 'aws:PrincipalTag/team': 'a' }],
    [{ k: 'company-wide/x' }],
  ],
];

describe('a condition of IAM', () => {
  it.each(CONDITIONS)('%s: %j', (_page, conditions, right, wrong) => {
    expect(right.filter((context) => !holds(conditions, context))).toEqual([]);
    expect(wrong.filter((context) => holds(conditions, context))).toEqual([]);
  });

  it('is refused where nobody can say what it means', () => {
    expect(() => holds({ StringEqual: { k: 'a' } }, { k: 'a' })).toThrow(
      'does not know the operator StringEqual',
    );
    expect(() => holds({ StringEquals: { k: 'a' } }, { k: ['a', 'b'] })).toThrow('for a key with one value');
  });
});

const allow = (statement: Partial<Statement> = {}): Policy => [
  { Effect: 'Allow', Action: '*', Resource: '*', ...statement },
];
const deny = (statement: Partial<Statement> = {}): Policy => [
  { Effect: 'Deny', Action: '*', Resource: '*', ...statement },
];
const asked = (call: Partial<Call> = {}): Call => ({
  caller: { arn: ROLE },
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::bucket/logs/a',
  account: ACCOUNT,
  context: {},
  ...call,
});
const to = (...AWS: string[]) => ({ Principal: { AWS } });
const none: Policies = { identity: [], resource: [] };
const root = `arn:aws:iam::${ACCOUNT}:root`;

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and the pages below it. */
const DECISIONS: readonly (readonly [what: string, call: Call, policies: Policies, allowed: boolean])[] = [
  ['nothing said: refused', asked(), none, false],
  ['an Allow of the caller', asked(), { ...none, identity: allow() }, true],
  ['a Deny before every Allow', asked(), { identity: allow(), resource: deny(to('*')) }, false],
  [
    'a Deny of the caller before the resource',
    asked(),
    { identity: deny(), resource: allow(to(ROLE)) },
    false,
  ],
  ['an Allow of the resource, in the same account', asked(), { ...none, resource: allow(to(ROLE)) }, true],
  ['one for the account is none for a role', asked(), { ...none, resource: allow(to(root)) }, false],
  [
    'one of the resource alone, from another account',
    asked({ caller: { arn: THEIRS } }),
    { ...none, resource: allow(to(THEIRS)) },
    false,
  ],
  [
    'one of the caller alone, from another account',
    asked({ caller: { arn: THEIRS } }),
    { ...none, identity: allow() },
    false,
  ],
  [
    'both, from another account',
    asked({ caller: { arn: THEIRS } }),
    { identity: allow(), resource: allow(to('arn:aws:iam::444455556666:root')) },
    true,
  ],
  [
    'a boundary that allows nothing of it',
    asked(),
    { ...none, identity: allow(), bounds: [allow({ Action: 'sqs:*' })] },
    false,
  ],
  ['a boundary alone', asked(), { ...none, bounds: [allow()] }, false],
  [
    'NotAction is all others',
    asked(),
    { ...none, identity: allow({ Action: undefined!, NotAction: 'iam:*' }) },
    true,
  ],
  [
    'but not those',
    asked({ action: 'iam:GetRole' }),
    { ...none, identity: allow({ Action: undefined!, NotAction: 'IAM:Get*' }) },
    false,
  ],
  [
    'NotResource of a Deny',
    asked(),
    {
      identity: [...allow(), ...deny({ Resource: undefined!, NotResource: 'arn:aws:s3:::bucket/*' })],
      resource: [],
    },
    true,
  ],
  [
    'and of another bucket',
    asked({ resource: 'arn:aws:s3:::other/a' }),
    {
      identity: [...allow(), ...deny({ Resource: undefined!, NotResource: 'arn:aws:s3:::bucket/*' })],
      resource: [],
    },
    false,
  ],
  [
    'names of actions have no capitals',
    asked(),
    { ...none, identity: allow({ Action: 'S3:getOBJECT' }) },
    true,
  ],
  [
    'objects are not their bucket',
    asked(),
    { ...none, identity: allow({ Resource: 'arn:aws:s3:::bucket' }) },
    false,
  ],
  [
    'a service, named by the resource',
    asked({ caller: { service: 'a.amazonaws.com' } }),
    { ...none, resource: allow({ Principal: { Service: 'a.amazonaws.com' } }) },
    true,
  ],
  [
    'another service',
    asked({ caller: { service: 'b.amazonaws.com' } }),
    { ...none, resource: allow({ Principal: { Service: 'a.amazonaws.com' } }) },
    false,
  ],
  [
    'a Deny for everybody is one for services',
    asked({ caller: { service: 'a.amazonaws.com' } }),
    { ...none, resource: [...allow({ Principal: '*' }), ...deny(to('*'))] },
    false,
  ],
  // https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
  [
    'a key that leaves it to the account',
    asked({ action: 'kms:Sign' }),
    { identity: allow(), resource: allow(to(root)), ownPolicyDecides: true },
    true,
  ],
  [
    'which allows nobody by itself',
    asked({ action: 'kms:Sign' }),
    { identity: [], resource: allow(to(root)), ownPolicyDecides: true },
    false,
  ],
  [
    'a key that names the role',
    asked({ action: 'kms:Sign' }),
    { identity: [], resource: allow(to(ROLE)), ownPolicyDecides: true },
    true,
  ],
  [
    'a key that says nothing, whatever the role may',
    asked({ action: 'kms:Sign' }),
    { identity: allow(), resource: [], ownPolicyDecides: true },
    false,
  ],
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalarn
  [
    'the principal of a call is among its keys',
    asked(),
    { ...none, identity: allow({ Condition: { ArnEquals: { 'aws:PrincipalArn': ROLE } } }) },
    true,
  ],
];

describe('the decision of AWS', () => {
  it.each(DECISIONS)('%s', (_what, call, policies, allowed) => {
    expect(isAllowed(call, policies)).toBe(allowed);
  });
});
