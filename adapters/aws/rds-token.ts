import { Signer } from '@aws-sdk/rds-signer';
import type { Target } from '#core/access/config.ts';
import { reaching } from './failure.ts';

/**
 * A password for RDS, good for 15 minutes, signed with the task's own role: nothing is stored anywhere.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
 */
export function rdsToken(
  { address }: Pick<Target, 'address'>,
  username: string,
  region: string,
): Promise<string> {
  const signer = new Signer({
    hostname: address.host,
    port: address.port,
    username,
    region,
  });
  return reaching('sign a login to RDS', () => signer.getAuthToken());
}
