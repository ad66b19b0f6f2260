import { AthenaClient } from '@aws-sdk/client-athena';

/** For functions that search: nothing else is bundled with it. */
export function athenaClient(region: string): AthenaClient {
  return new AthenaClient({ region, maxAttempts: 4, retryMode: 'standard' });
}
