import { getCACertificates } from 'node:tls';
import type { Cli } from './cli.ts';

const FILE = 'public-cas.pem';

/**
 * A file with the CAs that this machine trusts: what libpq means by `sslrootcert=system`, which it knows from version 16 on
 * and other drivers take for the name of a file. Where the machine has none, those that Mozilla trusts.
 */
export function publicCas({ home }: Cli): string {
  const ofMachine = getCACertificates('system');
  const trusted = ofMachine.length > 0 ? ofMachine : getCACertificates('bundled');
  const pem = [...new Set(trusted.map((certificate) => `${certificate.trim()}\n`))].join('');
  if (home.read(FILE) !== pem) home.write(FILE, pem);
  return home.path(FILE);
}
