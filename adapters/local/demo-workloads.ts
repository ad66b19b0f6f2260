/** The demo's workloads: jobs with tokens of the form that GitHub Actions gives its own, and an agent. */
import { createHash, randomUUID } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { z } from 'zod';
import { type DemoKeys, publicKeys, signedBy } from './demo-keys.ts';

export type DemoWorkload = 'deploy' | 'nightly';

/** One run of a workflow. */
export interface DemoJob {
  readonly workload: string;
  readonly repository: string;
  readonly ref: string;
  /** The one task of one run that its tokens are for, `RUN_ID/TASK`: GitHub's own have no such claim. */
  readonly task?: string;
}

export const demoWorkloads: Readonly<Record<DemoWorkload, DemoJob>> = {
  deploy: { workload: 'deploy', repository: 'acme/shop', ref: 'refs/heads/main' },
  nightly: { workload: 'nightly', repository: 'acme/reports', ref: 'refs/heads/main' },
};

/** Agents by the `sub` of their tokens, and the subjects of the people whom each may act for. */
export const demoAgents: Readonly<Record<string, readonly string[]>> = { 'agent-7': ['dev-1'] };

/** As long as GitHub's are good, and as far back as their `nbf` is. */
const TOKEN_S = 300;
const BACK_S = 600;
/** A job asks for as many tokens as it needs while it runs. */
const REQUEST_S = 6 * 3600;

const jobSchema = z.object({
  workload: z.string(),
  repository: z.string(),
  ref: z.string(),
  task: z.string().exactOptional(),
});

/** The issuer of workloads beside the one of people, on the same server. */
export function workloadsIssuer(peopleIssuer: string): string {
  return `${peopleIssuer}/workloads`;
}

/** Where a job asks for its tokens; what is to be asked for follows as `&audience=`, as at GitHub. */
export function jobRequestUrl(issuer: string): string {
  return `${issuer}/actions/token?api-version=2.0`;
}

/** https://docs.github.com/en/actions/reference/security/oidc names these claims. */
export function jobToken(
  keys: DemoKeys,
  issuer: string,
  audience: string,
  { workload, repository, ref, task }: DemoJob,
  nowMs: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  const [owner] = repository.split('/');
  return signedBy(keys, {
    jti: randomUUID(),
    sub: `repo:${repository}:ref:${ref}`,
    aud: audience,
    ref,
    sha: createHash('sha1').update(`${repository} ${ref}`).digest('hex'),
    repository,
    repository_owner: owner,
    repository_visibility: 'private',
    run_id: '4711',
    run_number: '10',
    run_attempt: '1',
    runner_environment: 'github-hosted',
    actor: 'dana',
    workflow: workload,
    head_ref: '',
    base_ref: '',
    event_name: 'push',
    ref_type: ref.startsWith('refs/tags/') ? 'tag' : 'branch',
    workflow_ref: `${repository}/.github/workflows/${workload}.yml@${ref}`,
    job_workflow_ref: `${repository}/.github/workflows/${workload}.yml@${ref}`,
    iss: issuer,
    nbf: now - BACK_S,
    iat: now,
    exp: now + TOKEN_S,
    ...(task === undefined ? {} : { task }),
  });
}

/** What a job shows to ask for its tokens (`ACTIONS_ID_TOKEN_REQUEST_TOKEN`). It is for that alone. */
export function jobRequestToken(
  keys: DemoKeys,
  issuer: string,
  job: DemoJob,
  nowMs: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  return signedBy(keys, { iss: issuer, aud: jobRequestUrl(issuer), job, iat: now, exp: now + REQUEST_S });
}

/** The job that a request token is of. Rejects for any other. */
export async function jobOf(
  keys: DemoKeys,
  issuer: string,
  requestToken: string,
  nowMs: number,
): Promise<DemoJob> {
  const { payload } = await jwtVerify(requestToken, createLocalJWKSet(publicKeys(keys)), {
    issuer,
    audience: jobRequestUrl(issuer),
    requiredClaims: ['exp'],
    currentDate: new Date(nowMs),
  });
  return jobSchema.parse(payload['job']);
}

/** By which an agent says who it is where tokens are exchanged, and nowhere else: `audience` is that provider. */
export function agentToken(
  keys: DemoKeys,
  issuer: string,
  audience: string,
  agent: string,
  nowMs: number,
): Promise<string> {
  const now = Math.floor(nowMs / 1000);
  const times = { iat: now, exp: now + TOKEN_S };
  return signedBy(keys, { iss: issuer, sub: agent, aud: audience, jti: randomUUID(), ...times });
}
