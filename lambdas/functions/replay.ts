import { createPublicKey } from 'node:crypto';
import { s3EvidenceLinks } from '#adapters/aws/evidence-links.ts';
import { apiFunction, type Routes } from '../api-function.ts';
import { ledgerHandler } from '../ledger/handler.ts';
import { openApiHandler } from '../openapi/handler.ts';
import { sessionsHandler } from '../sessions/handler.ts';
import { signerHandler } from '../signer/handler.ts';
import { Surroundings } from '../surroundings.ts';
import { telemetryFor } from '../telemetry.ts';

const telemetry = telemetryFor('replay');
const { log } = telemetry;

/** Sessions, their evidence and their end; the ledger; the signing key; the API's own description. */
export const handler = apiFunction(telemetry, async () => {
  const surroundings = new Surroundings(process.env);
  const fresh = await surroundings.policy();
  const { config: policy } = fresh;
  const { clients, settings, now } = surroundings;
  const ledger = surroundings.ledger();
  const sessions = sessionsHandler({
    catalog: surroundings.sessions(),
    policy,
    links: s3EvidenceLinks(clients.s3, settings.CUSTODY_BUCKET),
    source: surroundings.store(),
    leaves: surroundings.leaves(),
    ledger,
    terminations: surroundings.access(),
    now,
    log,
  });
  const routes: Routes = [
    ['/v1/sessions', sessions],
    ['/v1/ledger', ledgerHandler({ policy, ledger, now, log })],
    ['/v1/signer', signerHandler({ pem: pemOf(await surroundings.signer().publicKey()), log })],
    ['/v1/openapi.json', openApiHandler({ log })],
  ];
  return { policy: fresh, routes };
});

function pemOf(der: Uint8Array): string {
  const key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  return key.export({ format: 'pem', type: 'spki' }).toString();
}
