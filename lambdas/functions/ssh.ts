import { dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { dynamoDevices } from '#adapters/aws/devices.ts';
import { readAwsSettings } from '#adapters/aws/env.ts';
import { dynamoLogouts } from '#adapters/aws/logouts.ts';
import { kmsCa, kmsCaKeys } from '#adapters/aws/ssh/cas.ts';
import { dynamoCertificates } from '#adapters/aws/ssh/certificates.ts';
import { dynamoToldHostKeys } from '#adapters/aws/ssh/host-keys.ts';
import { CertificateDesk } from '#core/access/ssh-certificates/desk.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { sshHandler } from '../ssh/handler.ts';
import { sshPlace } from '../ssh/place.ts';
import { freshPolicy, leavesOf, now } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('ssh');

/** People's SSH certificates: the one function that may sign with the CA for users. */
export const handler = apiFunction(telemetry, async () => {
  const settings = readAwsSettings(process.env);
  const client = { region: settings.AWS_REGION };
  const [dynamo, s3, kms] = [dynamoClient(client), s3Client(client), kmsClient(client)];
  const policy = await freshPolicy(settings, s3);
  const table = { dynamo, table: settings.CUSTODY_TABLE_ACCESS };
  const revocations = dynamoLogouts({ ...table, now });
  const book = dynamoCertificates(table);
  const { CUSTODY_SSH_USER_CA: userCa, CUSTODY_SSH_TARGET_CA: targetCa } = settings;
  const desk = new CertificateDesk({
    policy: policy.config,
    ca: kmsCa(kms, userCa),
    book,
    revocations,
    leaves: leavesOf(settings, dynamo),
    devices: dynamoDevices({ ...table, now }),
    now,
  });
  const ssh = sshHandler({
    policy: policy.config,
    desk,
    book,
    revocations,
    place: sshPlace(settings.CUSTODY_SSH_ADDRESS, dynamoToldHostKeys(table)),
    userCa: () => kmsCaKeys(kms, userCa),
    targetCa: () => kmsCaKeys(kms, targetCa),
    now,
    log: telemetry.log,
  });
  const routes: Routes = [['/v1/ssh', ssh]];
  return { policy, routes };
});
