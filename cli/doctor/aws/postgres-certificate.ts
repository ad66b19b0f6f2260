import type { Deployment } from '../../init/settings.ts';
import type { Ask } from '../../aws/ask.ts';
import { secretText } from '../../aws/secrets.ts';
import { pairInSecret } from '../../findings/certificate.ts';
import { type Finding, warning } from '../../findings/finding.ts';
import { lookAtPostgres } from '../../wire/postgres.ts';
import type { SeenTls } from '../../wire/tls.ts';

/** Whether tasks show the certificate that is in the secret now: each reads it when it starts. */
export async function shownCertificateFindings(
  { settings }: Deployment,
  ask: Ask,
): Promise<readonly Finding[]> {
  const { hostname, port, tlsSecret } = settings.gateway;
  const found = await secretText(ask, tlsSecret);
  const kept = 'text' in found ? pairInSecret(found.text)?.cert : undefined;
  const seen = await lookAtPostgres(hostname, port, {});
  const shown = 'certificate' in seen ? (seen satisfies SeenTls).certificate : undefined;
  if (kept === undefined || shown === undefined || kept.fingerprint256 === shown.fingerprint256) return [];
  return [
    warning(`gateway.tlsSecret ${tlsSecret}`, 'tasks show another certificate than is in it', {
      why: 'they read it when they start',
      todo: 'start new ones: aws ecs update-service --force-new-deployment',
    }),
  ];
}
