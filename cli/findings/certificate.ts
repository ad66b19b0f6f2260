import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { parseJson } from '#core/json.ts';
import { counted } from '../listing.ts';
import { bad, type Finding, good, warning } from './finding.ts';

const DAY_MS = 86_400_000;
/** Whoever renews by hand hears of it a month before. */
const SOON_DAYS = 30;

export interface ReadPair {
  /** What servers show: the first of the chain. */
  readonly cert: X509Certificate;
  readonly chain: readonly X509Certificate[];
  readonly key: KeyObject;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** All certificates of a PEM text. Throws where one cannot be read. */
export function certificatesIn(pem: string): X509Certificate[] {
  return [...pem.matchAll(CERTIFICATE)].map(([one]) => new X509Certificate(one));
}

/** A chain and its key, both PEM; undefined where one of them cannot be read. */
export function readPair({
  cert,
  key,
}: {
  readonly cert: string;
  readonly key: string;
}): ReadPair | undefined {
  try {
    const chain = certificatesIn(cert);
    const [first] = chain;
    return first === undefined ? undefined : { cert: first, chain, key: createPrivateKey(key) };
  } catch {
    return undefined;
  }
}

/** The text of a secret with a certificate. */
export function pairInSecret(text: string): ReadPair | undefined {
  try {
    const { cert, key } = parseJson(text) as { readonly cert: string; readonly key: string };
    return readPair({ cert, key });
  } catch {
    return undefined;
  }
}

/** Whether it is the key's, of these names, and in its time. */
export function certificateFindings(
  about: string,
  { cert, key }: ReadPair,
  names: readonly string[],
  now: Date,
): Finding[] {
  const mistakes = [
    ...(cert.checkPrivateKey(key)
      ? []
      : [
          bad(about, "its key is another certificate's", {
            todo: 'put the two that belong together into it',
          }),
        ]),
    ...nameFindings(about, cert, names),
    ...timeFindings(about, cert, now),
  ];
  const left = Math.floor((cert.validToDate.getTime() - now.getTime()) / DAY_MS);
  return mistakes.length > 0
    ? mistakes
    : [good(about, `is of ${names.join(', ')}, ${counted(left, 'day')} left`)];
}

export function nameFindings(about: string, cert: X509Certificate, names: readonly string[]): Finding[] {
  const other = names.filter((name) => cert.checkHost(name) === undefined);
  return other.map((name) =>
    bad(about, `the certificate is not of ${name}`, {
      why: 'clients that verify the gateway refuse it',
      todo: `make one that names it: custody init certificate`,
    }),
  );
}

export function timeFindings(
  about: string,
  { validFromDate, validFrom, validToDate, validTo }: X509Certificate,
  now: Date,
): Finding[] {
  const renew = 'renew it: custody init certificate, or put another into the secret, and start new tasks';
  if (validToDate < now) return [bad(about, `the certificate ended at ${validTo}`, { todo: renew })];
  if (validFromDate > now)
    return [
      bad(about, `the certificate begins at ${validFrom}`, {
        todo: 'wait until then, or set the clock right',
      }),
    ];
  const left = Math.floor((validToDate.getTime() - now.getTime()) / DAY_MS);
  return left >= SOON_DAYS
    ? []
    : [warning(about, `the certificate ends in ${counted(left, 'day')}, at ${validTo}`, { todo: renew })];
}
