import { describe, expect, it } from 'vitest';
import { guardsOf } from '#test/support/iam/guards.ts';
import { isFor } from '#test/support/iam/judge.ts';
import { isAction, isSent } from '#test/support/iam/reference.ts';
import { type Attached, judged, type TemplateAccount } from '#test/support/iam/template-account.ts';
import { Calls, type Case, othersMay } from './policies/calls.ts';
import { configCases, evidenceCases, transportCases } from './policies/evidence-cases.ts';
import { dataKeyCases, deletionCases, signingCases } from './policies/key-cases.ts';
import { otherCases, workCases } from './policies/role-cases.ts';
import {
  accessLogCases,
  consoleCases,
  endpointCases,
  functionCases,
  privateApiCases,
  topicCases,
  trustCases,
} from './policies/service-cases.ts';
import { AUDITOR, everything, inside } from './policies/stacks.ts';
import { targetCases } from './policies/target-cases.ts';

const SIGNERS = [
  'Proxy',
  'FunctionsSealer',
  'FunctionsSettler',
  'FunctionsIndexer',
  'FunctionsSequencer',
].map((name) => `Gateway${name}Role`);

/** What is the same of every stack. */
const everywhere = (calls: Calls) => ({
  'each call that functions and tasks make, and what they may not': [
    ...workCases(calls),
    ...otherCases(calls),
  ],
  'buckets, which take TLS alone': transportCases(calls),
  'services of AWS that use the data key': dataKeyCases(calls),
  'alarms and changes that are told': topicCases(calls),
  'functions, and who calls them': functionCases(calls),
  'logs of who read what': accessLogCases(calls),
  'roles, and who takes them': trustCases(calls),
  'endpoints of the network': endpointCases(calls),
});

const [all, ownNetwork] = [new Calls(everything()), new Calls(inside())];
const GROUPS: readonly (readonly [string, TemplateAccount, Readonly<Record<string, readonly Case[]>>])[] = [
  [
    'a stack with everything that may be asked for',
    all.account,
    {
      ...everywhere(all),
      'recordings, of an administrator and of a gateway that was taken over (security case 6)': evidenceCases(
        all,
        true,
      ),
      'custody.yaml, which deployments alone write': configCases(all, true),
      'keys, which nobody deletes': deletionCases(all, false),
      'signatures, each by who makes them': signingCases(all, {
        SigningKey: SIGNERS,
        SshUserCa: ['GatewayFunctionsSshRole'],
        SshTargetCa: ['GatewayProxyRole'],
      }),
      'the files of the console': consoleCases(all),
      'targets, webhooks, directories and auditors': targetCases(all, AUDITOR),
    },
  ],
  [
    'a protected stack, with an API inside of its network',
    ownNetwork.account,
    {
      ...everywhere(ownNetwork),
      'recordings, of an administrator and of a gateway that was taken over (security case 6)': evidenceCases(
        ownNetwork,
        false,
      ),
      'custody.yaml, which deployments alone write': configCases(ownNetwork, false),
      'keys, which nobody deletes': deletionCases(ownNetwork, true),
      'signatures, each by who makes them': signingCases(ownNetwork, { SigningKey: SIGNERS }),
      'an API that is reached through its endpoint': privateApiCases(ownNetwork),
    },
  ],
];

describe.each(GROUPS)('%s', (_name, account, groups) => {
  const cases = Object.values(groups).flat();
  const answer = ({ call }: Case, policies: readonly Attached[]) =>
    judged(call, policies, othersMay(call, account));

  it.each(Object.entries(groups))('%s', (_what, some) => {
    expect(some.length).toBeGreaterThan(0);
    const wrong = some.filter((one) => answer(one, account.concerning(one.call)) !== one.allowed);
    expect(wrong.map(inWords)).toEqual([]);
  });

  it('has no Deny and no condition, and names no action and no value in one, that no call is answered by', () => {
    const known = cases.map((one) => ({ one, policies: account.concerning(one.call) }));
    const unnoticed = account.policies.flatMap(guardsOf).filter(({ of, policy }) => {
      const weaker = { ...of, policy };
      return !known.some(
        ({ one, policies }) =>
          policies.includes(of) &&
          answer(
            one,
            policies.map((other) => (other === of ? weaker : other)),
          ) !== one.allowed,
      );
    });
    expect(unnoticed.map(({ without }) => without)).toEqual([]);
  });

  it('allows no action that no call needs', () => {
    const needed = cases
      .filter(({ allowed }) => allowed)
      .map(({ call }) => ({ call, policies: account.concerning(call) }));
    const unneeded = account.policies.flatMap((of) =>
      of.policy
        .filter(({ Effect, Principal }) => Effect === 'Allow' && !isOfCdk(of.id, Principal))
        .flatMap((statement) =>
          [statement.Action ?? []]
            .flat()
            .map((Action) => ({ ...statement, Action }))
            .filter((one) => !needed.some(({ call, policies }) => policies.includes(of) && isFor(one, call))),
        )
        .map(({ Action }) => `${of.id} ${Action}`),
    );
    // As it is in AWS's example, whose condition refuses it: see below.
    expect(unneeded.filter((one) => !/^GatewayDataKey\w+ kms:DescribeKey$/.test(one))).toEqual([]);
  });

  it('is asked with actions and keys that AWS has', async () => {
    const actions = [...new Set(cases.map(({ call }) => call.action))];
    const known = await Promise.all(actions.map(isAction));
    expect(actions.filter((_action, at) => !known[at])).toEqual([]);
    const sent = cases.flatMap(({ call: { action, context } }) =>
      Object.keys(context).map((key) => [action, key]),
    );
    const asked = [...new Set(sent.map((one) => one.join(' ')))].map(
      (one) => one.split(' ') as [string, string],
    );
    const found = await Promise.all(asked.map(([action, key]) => isSent(key, action)));
    expect(asked.filter((_one, at) => !found[at])).toEqual([]);
  });

  it('has no condition on a key that AWS does not send with the action', async () => {
    const conditional = account.policies
      .flatMap(({ policy }) => policy)
      .flatMap(({ Action = [], Condition = {} }) =>
        Object.values(Condition)
          .flatMap((keys) => Object.keys(keys))
          .flatMap((key) => [Action].flat().map((action) => [action, key] as const)),
      )
      .filter(([action]) => !action.includes('*'));
    const found = await Promise.all(conditional.map(([action, key]) => isSent(key, action)));
    const odd = conditional.filter((_one, at) => !found[at]).map((one) => one.join(' '));
    // AWS's own example for CloudWatch Logs has it. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
    expect([...new Set(odd)]).toEqual(['kms:DescribeKey kms:EncryptionContext:aws:logs:arn']);
  });
});

/** CDK's own functions that copy files and empty buckets, whose rights it writes itself. */
function isOfCdk(id: string, principal: unknown): boolean {
  return id.startsWith('Custom') || JSON.stringify(principal ?? '').includes('CustomS3AutoDelete');
}

function inWords({ call: { caller, action, resource, context }, allowed }: Case): string {
  const who = 'arn' in caller ? caller.arn : caller.service;
  return `${who} ${allowed ? 'may not' : 'may'} ${action} ${resource} with ${JSON.stringify(context)}`;
}
