import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rdsCertificates, regionsOf } from '#cdk/targets/postgres/rds-certificates.ts';
import { CustodyError } from '#core/errors.ts';
import { configFolder, gatewayStack, ROOT } from '#test/support/stacks.ts';

const bundle = rdsCertificates();
const all = (pem: string): X509Certificate[] =>
  pem
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((one) => one.trim() !== '')
    .map((one) => new X509Certificate(one));

function refusal(change: (yaml: string) => string): CustodyError | undefined {
  using folder = configFolder(change);
  try {
    gatewayStack({ configFolder: folder.path });
    return undefined;
  } catch (error) {
    if (error instanceof CustodyError) return error;
    throw error;
  }
}

describe('the certificates of RDS in the image', () => {
  it('are those that were looked at when the package was taken: a changed package shows here', () => {
    const sorted = all(bundle).map(({ fingerprint256 }) => fingerprint256);
    const digest = createHash('sha256').update(sorted.sort().join('\n')).digest('hex');
    expect(digest).toBe('6631dedefb79b351a0cf70e34b173497b13a9d114f8961ef3169f2b72cc8fd60');
  });

  it('are roots of regions and of proxies, none of them over or for tests of Amazon', () => {
    const names = all(bundle).map(({ subject }) => /^CN=(.*)$/m.exec(subject)![1]!);
    expect(
      names.filter((name) => !/^(?:Amazon RDS [a-z-]+\d Root|Amazon Root|Starfield)/.test(name)),
    ).toEqual([]);
    for (const { subject, issuer, validTo, ca } of all(bundle)) {
      expect(issuer).toBe(subject);
      expect(ca).toBe(true);
      expect(new Date(validTo).getFullYear()).toBeGreaterThan(2036);
    }
  });

  it('vouch for the regions of the time, with an RSA and an EC key each', () => {
    expect(regionsOf(bundle).size).toBe(27);
    for (const region of ['us-east-1', 'eu-central-1', 'ap-southeast-2', 'sa-east-1'])
      expect(all(bundle).filter(({ subject }) => subject.includes(` ${region} `))).toHaveLength(3);
  });

  it('are of a bundle that somebody downloaded where there is one, and that has to be one', () => {
    const [first] = all(bundle);
    expect(all(rdsCertificates(first!.toString() + first!.toString()))).toHaveLength(1);
    expect(() => rdsCertificates('not a bundle')).toThrow(/no root certificate of any region/);
    const other = readFileSync(join(ROOT, 'test/vectors/postgres/certificates/ecdsa-sha512.crt'), 'utf8');
    expect(() => rdsCertificates(other)).toThrow(/no root certificate of any region/);
  });
});

describe('a target of RDS', () => {
  it('is believed as the example has it', () => {
    expect(refusal((yaml) => yaml)).toBeUndefined();
  });

  it.each([
    ['without a word about certificates', / +tls: .*\n/, ''],
    ['with nothing that vouches for it', ', ca: rds', ''],
  ])('is refused %s, before anything is deployed', (_what, pattern, by) => {
    const error = refusal((yaml) => yaml.replace(pattern, by));
    expect(error).toMatchObject({ code: 'config-invalid' });
    expect(error!.message).toContain('targets.orders.tls');
    expect(error!.hint).toContain('ca: rds');
  });

  it.each([
    ['a certificate of its own', (yaml: string) => yaml.replace('ca: rds', 'caFile: ca.pem')],
    [
      'a proxy, whose certificate is of a public CA',
      (yaml: string) => yaml.replace(/ +tls: .*\n/, '').replace('cluster-example', 'proxy-example'),
    ],
    [
      'a server of one’s own',
      (yaml: string) => yaml.replace(/ +tls: .*\n/, '').replace(/orders\.cluster.*:/, 'db.internal:'),
    ],
  ])('may have %s', (_what, change) => {
    expect(refusal(change)).toBeUndefined();
  });

  it('is refused in a region that the bundle does not know, with what to do', () => {
    const error = refusal((yaml) => yaml.replace('eu-central-1', 'il-central-1'));
    expect(error!.message).toContain('no certificate of il-central-1');
    expect(error!.hint).toContain('CUSTODY_RDS_BUNDLE');
  });

  it('takes one of ca and caFile', () => {
    expect(refusal((yaml) => yaml.replace('ca: rds', 'ca: rds, caFile: ca.pem'))!.message).toContain(
      'expected one of ca, caFile',
    );
  });
});
