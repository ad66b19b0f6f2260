import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TargetOf } from '#core/protocols/protocols.ts';
import type { Deployment } from '../init/settings.ts';
import { type Finding, good, unknown, warning } from '../findings/finding.ts';
import { lookAtPostgres } from '../wire/postgres.ts';

/** A database that this machine reaches shows its certificate here as it will to the gateway. Most are reached from their VPC alone. */
export async function targetFindings(
  { config, folder }: Deployment,
  rdsCertificates: () => string | undefined,
): Promise<readonly Finding[]> {
  const targets = [...config.targets.values()].filter((target) => target.protocol === 'postgres');
  return (await Promise.all(targets.map((target) => findingOf(target, folder, rdsCertificates)))).flat();
}

async function findingOf(
  target: TargetOf<'postgres'>,
  folder: string,
  rdsCertificates: () => string | undefined,
): Promise<Finding[]> {
  const { name, address, tls } = target;
  if (address === undefined || tls.mode === 'disable') return [];
  const about = `targets.${name}: from here`;
  const ca =
    tls.ca === 'rds' ? rdsCertificates() : tls.caFile && readFileSync(join(folder, tls.caFile), 'utf8');
  // Without them nothing could be said of its certificate.
  if (tls.ca === 'rds' && ca === undefined) return [];
  const seen = await lookAtPostgres(address.host, address.port, {
    ...(ca === undefined ? {} : { ca }),
    ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
  });
  switch (seen.step) {
    case 'reached':
      return [
        unknown(about, `${address.host}:${address.port}: ${seen.words}`, {
          why: 'it may be reached from its VPC alone',
        }),
      ];
    case 'offered':
      return [
        warning(about, `${address.host}:${address.port} does not offer TLS`, {
          todo: 'turn it on: the gateway asks for it',
        }),
      ];
    case 'verified':
      return [
        warning(about, `its certificate is not taken: ${seen.words}`, {
          why: 'the gateway will refuse it as well',
          todo: 'correct tls in custody.yaml: ca: rds for RDS, else caFile',
        }),
      ];
    case 'done':
      return [good(about, `${address.host}:${address.port} shows a good certificate`)];
  }
}
