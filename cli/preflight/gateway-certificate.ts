import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { X509Certificate } from 'node:crypto';
import type { Deployment } from '../init/settings.ts';
import type { Ask } from '../aws/ask.ts';
import { certificateFindings, certificatesIn, pairInSecret } from '../findings/certificate.ts';
import { bad, type Finding } from '../findings/finding.ts';
import { namesOfClusters } from './eks.ts';
import { namedSecret } from './secrets.ts';

/** The secret with the certificate that clients see. */
export async function tlsFindings(
  { settings, config, folder }: Deployment,
  ask: Ask,
  now: Date,
): Promise<readonly Finding[]> {
  const { hostname, tlsSecret: id } = settings.gateway;
  const about = `gateway.tlsSecret ${id}`;
  const names = [hostname, ...namesOfClusters(config.targets)];
  let seen: readonly Finding[] = [];
  const look = (text: string): readonly Finding[] => {
    seen = lookedAt(about, text, names, now, caIn(folder));
    return seen.filter(({ result }) => result !== 'good');
  };
  const found = await namedSecret({ about, id, keyArn: settings.secretKeys[id], look }, settings, ask);
  // What it is says more than that it is there.
  return found.every(({ result }) => result === 'good') ? seen : found;
}

function lookedAt(
  about: string,
  text: string,
  names: readonly string[],
  now: Date,
  ca: X509Certificate[] | undefined,
): readonly Finding[] {
  const pair = pairInSecret(text);
  if (pair === undefined) {
    const what = 'expected JSON {"cert": "…", "key": "…"}, both PEM, of which one cannot be read';
    return [bad(about, what, { todo: 'make it: custody init certificate' })];
  }
  return [...certificateFindings(about, pair, names, now), ...chainFindings(about, pair.chain, ca)];
}

/** What clients are given to verify the gateway with. */
function caIn(folder: string): X509Certificate[] | undefined {
  const file = join(folder, 'gateway-ca.pem');
  return existsSync(file) ? certificatesIn(readFileSync(file, 'utf8')) : undefined;
}

/** Whether the chain leads to gateway-ca.pem: each certificate is of the next, and the last of one of those. */
function chainFindings(
  about: string,
  chain: readonly X509Certificate[],
  ca: readonly X509Certificate[] | undefined,
): Finding[] {
  const broken = chain.slice(0, -1).some((one, at) => !isOf(one, chain[at + 1]!));
  if (broken)
    return [bad(about, 'the chain is not in order: each certificate is followed by the one that signed it')];
  const last = chain.at(-1)!;
  if (ca === undefined || ca.some((one) => isOf(last, one) || one.fingerprint256 === last.fingerprint256))
    return [];
  return [
    bad(about, 'the certificate is of another CA than gateway-ca.pem beside custody.yaml', {
      why: 'custody connect, and every client that was given the file, refuses the gateway',
      todo: 'put the CA that signed it into gateway-ca.pem, or remove the file where a public CA did',
    }),
  ];
}

function isOf(one: X509Certificate, issuer: X509Certificate): boolean {
  return one.checkIssued(issuer) && one.verify(issuer.publicKey);
}
