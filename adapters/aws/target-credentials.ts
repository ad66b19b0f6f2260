import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { Target } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { rdsToken } from './rds-token.ts';
import { readPassword } from './secrets.ts';

/** The target's password, as its configuration names it. Rejects with `target-refused`, and `store-unavailable`. */
export function targetCredentials(
  secrets: SecretsManagerClient,
  region: string,
): (target: Target) => Promise<string> {
  return async (target) => {
    const { secret, rdsIam } = target.credential;
    try {
      if (secret !== undefined) return await readPassword(secrets, secret);
      if (rdsIam === true) return await rdsToken(target, region);
    } catch (thrown) {
      throw noCredential(target, thrown);
    }
    throw noCredential(target, 'its credential is a file, and this gateway has none');
  };
}

function noCredential({ name }: Target, cause: unknown): CustodyError {
  const { code, detail = '' } =
    typeof cause === 'string' ? { code: '', detail: cause } : asCustodyError(cause);
  if (code === 'store-unavailable') return asCustodyError(cause);
  return new CustodyError('target-refused', `the gateway has no credential for the target "${name}"`, {
    hint: 'tell whoever runs the gateway',
    detail,
    cause,
  });
}
