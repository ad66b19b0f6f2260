import { compactForm } from '#adapters/oidc/token-form.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { claimsOf } from './claims.ts';
import type { Cli } from './cli.ts';
import { currentLogin, isFresh, renewedToken } from './renewal.ts';
import { tokenOf } from './workload/sources.ts';
import { workloadToken } from './workload/workload-token.ts';

export { claimsOf } from './claims.ts';

/**
 * The token for the API and the gateway: CUSTODY_TOKEN, else that in the file CUSTODY_TOKEN_FILE, else that of the last login to
 * this API, refreshed where it ran out. A workload gets a new one for each use.
 */
export async function currentToken(cli: Cli): Promise<string> {
  const given = cli.env['CUSTODY_TOKEN']?.trim();
  if (given) return unexpired(cli, given, 'CUSTODY_TOKEN');
  const { CUSTODY_TOKEN_FILE: file } = cli.env;
  if (file) return unexpired(cli, await tokenOf(cli, { source: 'file', file }, ''), file);
  const login = await currentLogin(cli);
  if (login.kind === 'workload')
    return unexpired(cli, await workloadToken(cli, login), login.file ?? login.source);
  return isFresh(cli, login.token) ? login.token : renewedToken(cli);
}

function unexpired(cli: Cli, token: string, from: string): string {
  refuseMisshapen(token, from);
  if (claimsOf(token).expiresAt > cli.now()) return token;
  throw new CustodyError('token-invalid', `the token in ${from} has expired`, {
    hint:
      from === 'CUSTODY_TOKEN'
        ? 'get a new one, or unset CUSTODY_TOKEN and run custody login'
        : 'whoever puts it there has to renew it: the job or the pod that it was for may have ended',
  });
}

/** Looked at here: with quotes or a "Bearer" around it, the API would find no token to say anything of. */
function refuseMisshapen(token: string, from: string): void {
  try {
    compactForm(token);
  } catch (thrown) {
    const { detail, hint = 'run custody login' } = asCustodyError(thrown);
    throw new CustodyError('token-invalid', `the token in ${from} is not good: ${detail}`, { hint });
  }
}
