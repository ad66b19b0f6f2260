import { fileURLToPath } from 'node:url';
import { s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { consoleHandler } from '../console/handler.ts';
import { siteIn } from '../console/site.ts';
import { freshPolicy } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('console');

/** The files of the console, which are in its bundle, under the policy of the moment. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const policy = await freshPolicy(settings, s3Client({ region: settings.AWS_REGION }));
  const site = siteIn(fileURLToPath(new URL('site/', import.meta.url)));
  const { CUSTODY_EVIDENCE_ORIGIN: evidence } = settings;
  const links = evidence === undefined ? {} : { evidence };
  // Every path that comes here is its.
  const routes: Routes = [
    ['', consoleHandler({ policy: policy.config, site, ...links, log: telemetry.log })],
  ];
  return { policy, routes };
});
