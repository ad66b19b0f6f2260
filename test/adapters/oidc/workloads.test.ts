import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decide } from '#core/access/decide.ts';
import { explain } from '#core/access/explain.ts';
import type { Principal } from '#core/identity/principal.ts';
import { makeKey, signToken, startIssuer, type TestIssuer, type TestKey } from '#test/support/issuer.ts';
import * as tokens from '#test/support/provider-tokens.ts';
import { configOf, verifierOf } from '#test/support/trusted-issuers.ts';

type Claims = Readonly<Record<string, unknown>>;

let issuer: TestIssuer;
let key: TestKey;
beforeAll(async () => {
  issuer = await startIssuer();
  key = await makeKey('key-1');
  issuer.keys = [key.jwk];
});
afterAll(() => issuer.close());

/** What a gateway makes of a token with these claims, now, where the file says this of its issuer. */
async function principal(claims: Claims, file: string, rules: readonly string[] = []): Promise<Principal> {
  const entry = `name: ci, kind: workload, issuer: "${issuer.url}", audience: custody, ${file}`;
  const gateway = verifierOf([entry], rules);
  const now = Math.floor(Date.now() / 1000);
  const times = { iss: issuer.url, aud: 'custody', iat: now, nbf: now, exp: now + 300, groups: undefined };
  return gateway.verify(await signToken(issuer, key, { ...claims, ...times }));
}

async function refusedFor(claims: Claims, file: string): Promise<string> {
  return principal(claims, file).then(
    () => 'nothing: it was taken',
    (error: Error) => /its claim (\S+) is not one that is taken/.exec(error.message)?.[1] ?? error.message,
  );
}

describe('the deploy workflow of a repository on main, of GitHub Actions', () => {
  const DEPLOY = `match: {
    repository_owner_id: "65",
    repository: acme/shop,
    ref: refs/heads/main,
    job_workflow_ref: acme/shop/.github/workflows/deploy.yml@refs/heads/main,
    event_name: [push, workflow_dispatch] }`;

  it('is a principal', async () => {
    expect(await principal(tokens.githubActions, DEPLOY)).toMatchObject({
      issuerName: 'ci',
      workload: true,
      subject: 'repo:acme/shop:ref:refs/heads/main',
      claims: { repository: 'acme/shop', ref: 'refs/heads/main' },
    });
  });

  it.each<[what: string, claims: Claims, claim: string]>([
    [
      'a fork of the same name',
      { repository: 'mallory/shop', repository_owner_id: '66' },
      'repository_owner_id',
    ],
    ['an owner that took over the name', { repository_owner_id: '99' }, 'repository_owner_id'],
    ['an id that is longer', { repository_owner_id: '655' }, 'repository_owner_id'],
    ['no owner', { repository_owner_id: undefined }, 'repository_owner_id'],
    ['a repository whose name begins so', { repository: 'acme/shop-fork' }, 'repository'],
    ['a repository in other letters', { repository: 'Acme/shop' }, 'repository'],
    ['a letter that looks alike', { repository: 'acm\u0435/shop' }, 'repository'],
    ['a branch whose name begins so', { ref: 'refs/heads/main2' }, 'ref'],
    ['a branch below it', { ref: 'refs/heads/main/x' }, 'ref'],
    ['a branch that ends so', { ref: 'refs/heads/x/refs/heads/main' }, 'ref'],
    ['a tag of that name', { ref: 'refs/tags/main' }, 'ref'],
    ['a pull request', { ref: 'refs/pull/7/merge', event_name: 'pull_request' }, 'ref'],
    ['a pull request that runs on main', { event_name: 'pull_request_target' }, 'event_name'],
    [
      'another workflow',
      { job_workflow_ref: 'acme/shop/.github/workflows/test.yml@refs/heads/main' },
      'job_workflow_ref',
    ],
    [
      'the workflow of another branch',
      { job_workflow_ref: 'acme/shop/.github/workflows/deploy.yml@refs/heads/x' },
      'job_workflow_ref',
    ],
    ['a list that begins with another', { ref: ['refs/heads/x'] }, 'ref'],
  ])('and %s is not', async (_, claims, claim) => {
    expect(await refusedFor({ ...tokens.githubActions, ...claims }, DEPLOY)).toBe(claim);
  });

  it.each<[sub: string, taken: boolean]>([
    ['repo:acme/shop:ref:refs/heads/main', true],
    ['repo:acme/web:ref:refs/heads/main', true],
    ['repo:acme/shop:pull_request', false],
    ['repo:acme/shop:environment:prod', false],
    ['repo:acme/shop:ref:refs/heads/main2', false],
    ['repo:acme/shop:ref:refs/heads/main/x', false],
    ['repo:acme/shop/x:ref:refs/heads/main', false],
    ['repo:acme/shop:environment:ref:refs/heads/main', false],
    ['repo:acme2/shop:ref:refs/heads/main', false],
    ['repo:Acme/shop:ref:refs/heads/main', false],
    ['x:repo:acme/shop:ref:refs/heads/main', false],
  ])('by sub alone: %s, %s', async (sub, taken) => {
    const file = 'match: { sub: "repo:acme/*:ref:refs/heads/main" }';
    const outcome = await refusedFor({ ...tokens.githubActions, sub }, file);
    expect(outcome).toBe(taken ? 'nothing: it was taken' : 'sub');
  });
});

describe('a rule on a repository and its branch', () => {
  const RULES = [
    `name: deploys, issuer: ci, targets: [db], allow: [connect],
     claims: { repository: acme/shop, ref: [refs/heads/main, refs/heads/release-*], environment: production }`,
    "name: people, groups: ['*'], targets: [db], allow: [connect]",
  ];
  const ISSUER = 'match: { repository_owner_id: "65" }';

  /** The rule that lets a job with these claims connect, or what `custody explain` says is in its way. */
  async function deciding(claims: Claims): Promise<string> {
    const entries = [`name: ci, kind: workload, issuer: "${issuer.url}", audience: custody, ${ISSUER}`];
    const job = await principal(
      { ...tokens.githubActions, environment: 'production', ...claims },
      ISSUER,
      RULES,
    );
    const policy = configOf(entries, RULES);
    const question = { policy, principal: job, action: 'connect', target: 'db', now: new Date() } as const;
    const decision = decide(question);
    return 'rule' in decision ? decision.rule : explain(question).rules[0]!.because.join('; ');
  }

  it('lets the job in, from main or a release', async () => {
    expect(await deciding({})).toBe('deploys');
    expect(await deciding({ ref: 'refs/heads/release-2' })).toBe('deploys');
  });

  it.each<[what: string, claims: Claims, because: string]>([
    [
      'another repository',
      { repository: 'acme/web' },
      'the claim repository is acme/web, and it is for acme/shop',
    ],
    [
      'a branch below a release',
      { ref: 'refs/heads/release-2/x' },
      'the claim ref is refs/heads/release-2/x, and it is for refs/heads/main or refs/heads/release-*',
    ],
    [
      'no environment',
      { environment: undefined },
      'the claim environment is not in the token, and it is for production',
    ],
    ['another environment', { environment: 'Production' }, 'the claim environment is Production'],
  ])('and refuses %s; explain says which claim is in the way', async (_, claims, because) => {
    expect(await deciding(claims)).toContain(because);
  });

  it('and nobody who acts for the job', async () => {
    expect(await deciding({ act: { sub: 'agent-7' } })).toContain('lets nobody act for others');
  });
});

describe('a job on a protected branch of GitLab', () => {
  const JOB = `groupsClaim: groups_direct, match: {
    project_path: acme/shop, ref_path: refs/heads/main, ref_protected: "true", pipeline_source: [push, web] }`;

  it('is a principal; its groups are none of people', async () => {
    expect(await principal(tokens.gitlabJob, JOB)).toMatchObject({
      workload: true,
      groups: ['ci:acme', 'ci:acme/developers'],
      claims: { ref_protected: 'true' },
    });
  });

  it('is one also where what it says is no text but a truth value', async () => {
    expect(await refusedFor({ ...tokens.gitlabJob, ref_protected: true }, JOB)).toBe('nothing: it was taken');
  });

  it.each<[what: string, claims: Claims, claim: string]>([
    ['another project', { project_path: 'acme/shop2' }, 'project_path'],
    ['a project below it', { project_path: 'acme/shop/main' }, 'project_path'],
    ['a fork', { project_path: 'mallory/shop' }, 'project_path'],
    ['a branch whose name begins so', { ref_path: 'refs/heads/main2' }, 'ref_path'],
    ['a tag of that name', { ref_path: 'refs/tags/main' }, 'ref_path'],
    ['a merge request', { ref_path: 'refs/merge-requests/1/head' }, 'ref_path'],
    ['a branch that nobody protects', { ref_protected: 'false' }, 'ref_protected'],
    ['a schedule', { pipeline_source: 'schedule' }, 'pipeline_source'],
  ])('and %s is not', async (_, claims, claim) => {
    expect(await refusedFor({ ...tokens.gitlabJob, ...claims }, JOB)).toBe(claim);
  });
});

describe('a service account of Kubernetes', () => {
  const ACCOUNT = `match: {
    sub: "system:serviceaccount:prod:deployer", kubernetes.io.namespace: prod,
    kubernetes.io.serviceaccount.uid: 14ee3fa4 }`;
  const pod = tokens.kubernetes['kubernetes.io'] as Claims;

  it('is a principal', async () => {
    expect((await principal(tokens.kubernetes, ACCOUNT)).claims).toEqual({
      sub: 'system:serviceaccount:prod:deployer',
      'kubernetes.io.namespace': 'prod',
      'kubernetes.io.serviceaccount.uid': '14ee3fa4',
    });
  });

  it.each<[what: string, claims: Claims, claim: string]>([
    ['another of its namespace', { sub: 'system:serviceaccount:prod:default' }, 'sub'],
    ['one of that name elsewhere', { sub: 'system:serviceaccount:test:deployer' }, 'sub'],
    ['one whose name begins so', { sub: 'system:serviceaccount:prod:deployer2' }, 'sub'],
    ['a node', { sub: 'system:node:prod' }, 'sub'],
    [
      'another namespace in the object',
      { 'kubernetes.io': { ...pod, namespace: 'test' } },
      'kubernetes.io.namespace',
    ],
    [
      'one of that name that was made anew',
      { 'kubernetes.io': { ...pod, serviceaccount: { name: 'deployer', uid: 'other' } } },
      'kubernetes.io.serviceaccount.uid',
    ],
    ['one without the object', { 'kubernetes.io': undefined }, 'kubernetes.io.namespace'],
  ])('and %s is not', async (_, claims, claim) => {
    expect(await refusedFor({ ...tokens.kubernetes, ...claims }, ACCOUNT)).toBe(claim);
  });

  it('of any name in a namespace, and of none beside it', async () => {
    const file = 'match: { sub: "system:serviceaccount:prod:*" }';
    expect(await refusedFor(tokens.kubernetes, file)).toBe('nothing: it was taken');
    const beside = { ...tokens.kubernetes, sub: 'system:serviceaccount:prod2:deployer' };
    expect(await refusedFor(beside, file)).toBe('sub');
  });
});
