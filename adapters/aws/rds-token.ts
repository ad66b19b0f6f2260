import { Signer } from '@aws-sdk/rds-signer';
import type { Target } from '#core/access/config.ts';
import { addressOf } from '#core/access/made-sandboxes.ts';
import { reaching } from './failure.ts';

/**
 * A password for RDS, good for 15 minutes, signed with the task's own role: nothing is stored anywhere.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
 */
export function rdsToken(
  target: Pick<Target, 'name' | 'address'>,
  username: string,
  region: string,
): Promise<string> {
  const { host, port } = addressOf(target);
  const signer = new Signer({
    hostname: host,
    port,
    username,
    region,
  });
  return reaching('sign a login to RDS', () => signer.getAuthToken());
}
