import { setTimeout as sleep } from 'node:timers/promises';
import { athenaClient } from '#adapters/aws/athena/client.ts';
import { athenaQueries } from '#adapters/aws/athena/queries.ts';
import { athenaSearch } from '#adapters/aws/athena/search.ts';
import type { AwsSettings } from '#adapters/aws/env.ts';
import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { rulesOf } from '#core/search/fill.ts';
import type { StepSearch } from '#core/search/port.ts';
import { now } from './surroundings.ts';

/** Of the API's half minute: what takes longer is asked for again. */
const WAIT_MS = 15_000;

/** Search through Athena, by rules that are in force. A deployment that has none says so when it is asked. */
export function searchOf(
  { AWS_REGION: region, CUSTODY_EVENTS_DATABASE: database }: AwsSettings,
  policy: () => Config,
): Pick<StepSearch, 'search' | 'sessions' | 'searchedSince'> {
  if (database === undefined) return { search: nowhere, sessions: nowhere };
  const place = { athena: athenaClient(region), workgroup: database, waitMs: WAIT_MS, now, sleep };
  const rulesNow = (target: string): string => rulesOf({ target }, policy());
  return athenaSearch({ run: athenaQueries(place), database, rulesNow, now });
}

async function nowhere(): Promise<never> {
  throw new CustodyError('unsupported', 'nothing is searched in this deployment', {
    hint: 'deploy the stack as it is now: its indexer writes what is searched',
  });
}
