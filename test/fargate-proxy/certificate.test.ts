import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, TLSSocket } from 'node:tls';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';
import { Certificate, type CertificatePair } from '#proxy/certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody-certificate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function pair(name: string, now = new Date()): Promise<CertificatePair> {
  const { gateway } = await localCertificates(join(folder, name), now);
  return { cert: readFileSync(gateway.cert, 'utf8'), key: readFileSync(gateway.key, 'utf8') };
}

/** The port of one who serves with it. */
async function serving(certificate: Certificate): Promise<number> {
  const server = createServer((socket) => {
    const secure = new TLSSocket(socket, { isServer: true, secureContext: certificate.context });
    secure.on('error', () => undefined).write('hello');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** What a client sees that connects now. */
async function shown(certificate: Certificate): Promise<string> {
  const port = await serving(certificate);
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(client, 'secureConnect');
  const { raw } = client.getPeerCertificate();
  client.destroy();
  return new X509Certificate(raw).fingerprint256;
}

const fingerprintOf = ({ cert }: CertificatePair): string => new X509Certificate(cert).fingerprint256;

describe('the certificate of the gateway', () => {
  it('is the renewed one from the next login on', async () => {
    const [first, second] = [await pair('first'), await pair('second')];
    let written = first;
    const certificate = await Certificate.of(async () => written);
    expect(await certificate.look()).toBe(false);
    expect(await shown(certificate)).toBe(fingerprintOf(first));
    written = second;
    expect(await certificate.look()).toBe(true);
    expect(await shown(certificate)).toBe(fingerprintOf(second));
  });

  it('is proved anew on each connection: no session is resumed (security case 2)', async () => {
    const certificate = await Certificate.of(() => pair('first'));
    const port = await serving(certificate);
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const to = { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion };
      const first = connect(to);
      await once(first, 'data');
      const second = connect({ ...to, session: first.getSession()! });
      await once(second, 'data');
      expect(second.isSessionReused(), maxVersion).toBe(false);
      first.destroy();
      second.destroy();
    }
  });

  it('ends when the first of its chain does', async () => {
    const [first, second] = [await pair('first'), await pair('second')];
    const ends = ({ cert }: CertificatePair) => new X509Certificate(cert).validToDate.getTime();
    const early = await pair('early', new Date(Date.now() - 30 * 86_400_000));
    const certificate = await Certificate.of(async () => first);
    expect(certificate.ends.getTime()).toBe(ends(first));
    const chain = await Certificate.of(async () => ({ ...second, cert: second.cert + early.cert }));
    expect(chain.ends.getTime()).toBe(ends(early));
  });

  it('stays as it is where the new one cannot be had, or is none', async () => {
    const [first, second] = [await pair('first'), await pair('second')];
    let read = async (): Promise<CertificatePair> => first;
    const certificate = await Certificate.of(() => read());
    read = () => Promise.reject(new Error('away'));
    await expect(certificate.look()).rejects.toThrow('away');
    read = async () => ({ cert: second.cert, key: first.key });
    await expect(certificate.look()).rejects.toMatchObject({ code: 'config-invalid' });
    expect(await shown(certificate)).toBe(fingerprintOf(first));
  });
});
