import { Signer } from '@aws-sdk/rds-signer';
import type { Target } from '#core/access/config.ts';
import { addressOf } from '#core/access/made-sandboxes.ts';
import { reaching } from './failure.ts';
import type { TakenCredentials } from './taken-role.ts';

/**
 * A password for RDS, good for 15 minutes, signed with the task's own role, or with one that it takes: nothing is stored anywhere.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
 */
export function rdsToken(
  target: Pick<Target, 'name' | 'address'>,
  username: string,
  region: string,
  credentials?: () => Promise<TakenCredentials>,
): Promise<string> {
  const { host, port } = addressOf(target);
  const signer = new Signer({
    hostname: host,
    port,
    username,
    region,
    ...(credentials === undefined ? {} : { credentials }),
  });
  return reaching('sign a login to RDS', () => signer.getAuthToken());
}
