import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { s3EvidenceLinks } from '#adapters/aws/evidence-links.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { pemOf } from '#core/recording/stored-evidence.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { ledgerHandler } from '../ledger/handler.ts';
import { openApiHandler } from '../openapi/handler.ts';
import { sessionsHandler } from '../sessions/handler.ts';
import { signerHandler } from '../signer/handler.ts';
import { freshPolicy, leavesOf, ledgerOf, now, sessionsOf, storeOf } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('replay');
const { log } = telemetry;

/** Sessions, their evidence and their end; the ledger; the signing key; the API's own description. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const [s3, dynamo] = [s3Client(client), dynamoClient(client)];
  const fresh = await freshPolicy(settings, s3);
  const { config: policy } = fresh;
  const signer = kmsSigner(kmsClient(client), settings.CUSTODY_SIGNING_KEY);
  const ledger = ledgerOf(settings, { s3, dynamo }, signer);
  const sessions = sessionsHandler({
    catalog: sessionsOf(settings, dynamo),
    policy,
    links: s3EvidenceLinks(s3, settings.CUSTODY_BUCKET),
    source: storeOf(settings, s3),
    leaves: leavesOf(settings, dynamo),
    ledger,
    signer: () => signer.publicKey(),
    terminations: dynamoAccessStore(dynamo, settings.CUSTODY_TABLE_ACCESS),
    now,
    log,
  });
  const routes: Routes = [
    ['/v1/sessions', sessions],
    ['/v1/ledger', ledgerHandler({ policy, ledger, now, log })],
    ['/v1/signer', signerHandler({ pem: pemOf(await signer.publicKey()), log })],
    ['/v1/openapi.json', openApiHandler({ log })],
  ];
  return { policy: fresh, routes };
});
