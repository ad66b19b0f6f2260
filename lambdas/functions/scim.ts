import { randomBytes } from 'node:crypto';
import { dynamoClient, s3Client, secretsClient } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import { readSecret } from '#adapters/aws/secrets.ts';
import type { ScimConfig } from '#core/access/scim-schema.ts';
import { ScimDesk } from '#core/identity/scim/desk.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { scimHandler } from '../scim/handler.ts';
import { freshPolicy, leavesOf, now } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('scim');

/** What directories call, each with a secret of its own: nothing but to say who is active, and in which groups. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const [dynamo, s3, secrets] = [dynamoClient(client), s3Client(client), secretsClient(client)];
  const policy = await freshPolicy(settings, s3);
  const desk = new ScimDesk({
    store: dynamoScim({ dynamo, table: settings.CUSTODY_TABLE_ACCESS, now }),
    leaves: leavesOf(settings, dynamo),
    now,
    newId: (at) => newSessionId(at.getTime(), randomBytes(10)),
  });
  const scim = scimHandler({
    policy: policy.config,
    desk,
    secretOf: async ({ secret = '' }: ScimConfig) => (await readSecret(secrets, secret)).trim(),
    failures: new TokenFailures(() => performance.now()),
    baseUrl: settings.CUSTODY_API_URL ?? '',
    log: telemetry.log,
  });
  const routes: Routes = [['/v1/scim', scim]];
  return { policy, routes, ownBearer: true };
});
