import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import { readGivenFile } from '../given-file.ts';
import { boundedJson, get, safeUrl } from '../http.ts';
import type { WorkloadLogin } from '../stored-tokens.ts';

/** Where a machine gets its tokens. */
export type SourceName = WorkloadLogin['source'];
type Source = Pick<WorkloadLogin, 'source' | 'file'>;

export const sourceNames = ['github', 'gitlab', 'aws', 'file'] as const;
const TOKEN_MAX_BYTES = 64 << 10;
const answerSchema = z.object({ value: z.string().min(1) });

/** What the environment speaks of; undefined when it speaks of nothing. AWS is everywhere, and has to be asked for. */
export function sourceIn({ env }: Pick<Cli, 'env'>): Source | undefined {
  const { CUSTODY_TOKEN_FILE: file } = env;
  if (file) return { source: 'file', file };
  if (env['ACTIONS_ID_TOKEN_REQUEST_URL']) return { source: 'github' };
  return env['CUSTODY_ID_TOKEN'] ? { source: 'gitlab' } : undefined;
}

/** A fresh token for `audience`, where the source can be told for whom it is. */
export async function tokenOf(cli: Cli, { source, file }: Source, audience: string): Promise<string> {
  switch (source) {
    case 'github':
      return fromGitHub(cli, audience);
    case 'gitlab':
      return fromGitLab(cli);
    case 'aws':
      return (await import('#adapters/aws/web-identity-token.ts')).webIdentityToken(audience);
    case 'file':
      return fromFile(cli, file);
  }
}

/** https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect */
async function fromGitHub({ env }: Cli, audience: string): Promise<string> {
  const [address, secret] = [env['ACTIONS_ID_TOKEN_REQUEST_URL'], env['ACTIONS_ID_TOKEN_REQUEST_TOKEN']];
  if (!address || !secret)
    throw noToken(
      'this is no job of GitHub Actions, or one that may not have one',
      'permissions: { id-token: write } lets a job; somewhere else: custody login',
    );
  const url = safeUrl(address, 'ACTIONS_ID_TOKEN_REQUEST_URL');
  url.searchParams.set('audience', audience);
  const response = await get(url, { authorization: `Bearer ${secret}`, accept: 'application/json' });
  const answer = answerSchema.safeParse(await boundedJson(response, TOKEN_MAX_BYTES));
  if (response.ok && answer.success) return answer.data.value;
  throw noToken(
    `GitHub Actions answered with status ${response.status}`,
    'is the job still running? permissions: { id-token: write } lets it have a token',
  );
}

/** https://docs.gitlab.com/ci/secrets/id_token_authentication/: the job's file names the variable. */
function fromGitLab({ env }: Cli): string {
  const token = env['CUSTODY_ID_TOKEN']?.trim();
  if (token) return token;
  throw noToken(
    'CUSTODY_ID_TOKEN is not set',
    'in .gitlab-ci.yml: id_tokens: { CUSTODY_ID_TOKEN: { aud: custody } }',
  );
}

/** Read anew each time: whoever writes it, as Kubernetes does, replaces it before its token expires. */
function fromFile({ env }: Cli, file = env['CUSTODY_TOKEN_FILE']): string {
  if (file) return readGivenFile(file, TOKEN_MAX_BYTES).trim();
  throw noToken('no file is named', 'custody login --token-file PATH, or set CUSTODY_TOKEN_FILE');
}

function noToken(why: string, hint: string): CustodyError {
  return new CustodyError('token-missing', `there is no token for this workload: ${why}`, { hint });
}
