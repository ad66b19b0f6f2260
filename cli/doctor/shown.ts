import { isIP } from 'node:net';
import { nameFindings, timeFindings } from '../findings/certificate.ts';
import { bad, type Finding, good } from '../findings/finding.ts';
import type { SeenTls } from '../wire/tls.ts';

export const UNREACHED = {
  why: 'no client gets a session',
  todo: "is there a way to it from here (VPN, peering), do gateway.clients name this machine's network, and do tasks run? With credentials of AWS: custody doctor --aws",
};

/** What is wrong with the certificate by itself says more than that it was refused. */
export function shownFindings(
  about: string,
  host: string,
  { certificate, refused }: SeenTls,
  now: Date,
): Finding[] {
  if (certificate === undefined) return [bad(about, 'it shows no certificate', UNREACHED)];
  const times = timeFindings(about, certificate, now);
  const names = isIP(host) === 0 ? nameFindings(about, certificate, [host]) : [];
  const own = [...times, ...names];
  if (refused === undefined || own.some(({ result }) => result === 'bad'))
    return own.length > 0
      ? own
      : [good(about, `it answers, with a certificate until ${certificate.validTo}`)];
  return [
    ...own,
    bad(about, `clients that verify it refuse its certificate: ${refused}`, {
      why: 'custody connect, and whoever has sslmode=verify-full, gets no session',
      todo: 'put the CA that signed it beside custody.yaml as gateway-ca.pem and deploy, or take a certificate of a public CA',
    }),
  ];
}
