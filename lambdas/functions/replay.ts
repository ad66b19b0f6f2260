import { setTimeout as sleep } from 'node:timers/promises';
import { dynamoAccessStore } from '#adapters/aws/access-store.ts';
import { askIndexer } from '#adapters/aws/ask-indexer.ts';
import { type AwsClients, dynamoClient, kmsClient, s3Client } from '#adapters/aws/clients.ts';
import { dynamoDevices } from '#adapters/aws/devices.ts';
import { type AwsSettings, readAwsSettings } from '#adapters/aws/env.ts';
import { s3EvidenceLinks } from '#adapters/aws/evidence-links.ts';
import { dynamoJournalTails } from '#adapters/aws/journal-tail.ts';
import { kmsSigner } from '#adapters/aws/kms-signer.ts';
import { dynamoLogouts } from '#adapters/aws/logouts.ts';
import { dynamoPresence } from '#adapters/aws/presence.ts';
import { dynamoScim } from '#adapters/aws/scim-directory.ts';
import type { Config } from '#core/access/config.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import { pemOf } from '#core/recording/stored-evidence.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { INDEXED_MAX_BYTES } from '../indexed-max.ts';
import { ledgerHandler } from '../ledger/handler.ts';
import { openApiHandler } from '../openapi/handler.ts';
import { searchHandler } from '../search/handler.ts';
import { searchOf } from '../search-in-aws.ts';
import { sessionsHandler } from '../sessions/handler.ts';
import type { LivePorts } from '../sessions/live/answer.ts';
import type { Indexes } from '../sessions/steps.ts';
import { signerHandler } from '../signer/handler.ts';
import { freshPolicy, leavesOf, ledgerOf, now, sessionsOf, storeOf } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('replay');
const { log } = telemetry;
/** Of a call's 25 s: an answer with nothing in it is given then. */
const ANSWER_MS = 15_000;
const POLL_MS = 500;

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
    live: livePorts(settings, dynamo, policy),
    ...indexesOf(settings, s3),
    now,
    log,
  });
  const search = searchHandler({
    search: { ...searchOf(settings, policy), missing: async () => [] },
    ...{ catalog: sessionsOf(settings, dynamo), policy, leaves: leavesOf(settings, dynamo), now, log },
  });
  const routes: Routes = [
    ['/v1/sessions', sessions],
    ['/v1/search', search],
    ['/v1/ledger', ledgerHandler({ policy, ledger, now, log })],
    ['/v1/signer', signerHandler({ pem: pemOf(await signer.publicKey()), log })],
    ['/v1/openapi.json', openApiHandler({ log })],
  ];
  return { policy: fresh, routes };
});

/** Answers of the HTTP API are whole: each is given as soon as there is something to say. */
function livePorts(settings: AwsSettings, dynamo: AwsClients['dynamo'], policy: () => Config): LivePorts {
  const access = { dynamo, table: settings.CUSTODY_TABLE_ACCESS, now };
  return {
    tails: dynamoJournalTails({ dynamo, table: settings.CUSTODY_TABLE_JOURNAL }),
    standing: toldStanding({
      policy,
      logouts: dynamoLogouts(access),
      devices: dynamoDevices(access),
      store: dynamoScim(access),
    }),
    presence: dynamoPresence(access),
    unsealed: () => sessionsOf(settings, dynamo).unsealed(),
    pause: (ms) => sleep(ms),
    pollMs: POLL_MS,
    answerMs: ANSWER_MS,
  };
}

/** The indexer makes them; nobody waits for it here. */
function indexesOf(
  { CUSTODY_EVENTS_BUCKET: bucket }: AwsSettings,
  s3: AwsClients['s3'],
): { indexes?: Indexes } {
  if (bucket === undefined) return {};
  const ask = askIndexer(s3, bucket, () => new Date());
  const wanted: Indexes['wanted'] = async (session) => {
    await ask(session);
    return 'later';
  };
  return { indexes: { wanted, maxBytes: INDEXED_MAX_BYTES } };
}
