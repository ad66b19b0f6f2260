import { dynamoClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoLogouts } from '#adapters/aws/logouts.ts';
import { Keyring } from '#adapters/oidc/keyring.ts';
import { logoutVerifiers } from '#adapters/oidc/logout-verifier.ts';
import { TokenFailures } from '#core/identity/token-failures.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { logoutHandler } from '../logout/handler.ts';
import { freshPolicy, leavesOf, now } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('logout');

/** What issuers call, whom no authorizer knows: nothing but to end what they let in. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const [dynamo, s3] = [dynamoClient(client), s3Client(client)];
  const policy = await freshPolicy(settings, s3);
  const logout = logoutHandler({
    policy: policy.config,
    verifierOf: logoutVerifiers(new Keyring()),
    logouts: dynamoLogouts({ dynamo, table: settings.CUSTODY_TABLE_ACCESS, now }),
    leaves: leavesOf(settings, dynamo),
    failures: new TokenFailures(() => performance.now()),
    now,
    log: telemetry.log,
  });
  const routes: Routes = [['/v1/logout', logout]];
  return { policy, routes };
});
