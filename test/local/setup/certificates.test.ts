import { X509Certificate } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localCertificates } from '#local/setup/certificates.ts';
import { temporaryFolder } from '#test/support/local-gateway.ts';

const NOW = new Date('2026-11-23T09:00:00Z');
const DAY_MS = 86_400_000;
let parent: string;
let folder: string;

beforeEach(() => {
  parent = temporaryFolder();
  folder = join(parent, 'tls');
});
afterEach(() => rmSync(parent, { recursive: true }));

const read = (file: string): X509Certificate => new X509Certificate(readFileSync(file));
const later = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);

test('a CA, and certificates for every name of this machine', async () => {
  const { ca, gateway, database } = await localCertificates(folder, NOW);
  for (const { cert } of [gateway, database]) {
    expect(read(cert).verify(read(ca).publicKey)).toBe(true);
    expect(read(cert).ca).toBe(false);
    expect(read(cert).checkHost('localhost')).toBe('localhost');
    for (const ip of ['127.0.0.1', '::1']) expect(read(cert).checkIP(ip)).toBe(ip);
    expect(read(cert).checkHost('elsewhere.example')).toBeUndefined();
  }
  expect(read(ca).ca).toBe(true);
});

test('keys are for the owner alone', async () => {
  const { gateway, database } = await localCertificates(folder, NOW);
  for (const key of [gateway.key, database.key, join(folder, 'ca.key')]) {
    expect(statSync(key).mode & 0o777).toBe(0o600);
  }
});

test('everything stays as it is until a month before it expires', async () => {
  const { ca, gateway } = await localCertificates(folder, NOW);
  const [firstCa, first] = [read(ca).serialNumber, read(gateway.cert).serialNumber];
  await localCertificates(folder, later(334));
  expect([read(ca).serialNumber, read(gateway.cert).serialNumber]).toEqual([firstCa, first]);
  await localCertificates(folder, later(336));
  expect(read(ca).serialNumber).toBe(firstCa);
  expect(read(gateway.cert).serialNumber).not.toBe(first);
  expect(read(gateway.cert).verify(read(ca).publicKey)).toBe(true);
});

test('a new CA signs new certificates', async () => {
  const { ca, gateway } = await localCertificates(folder, NOW);
  rmSync(ca);
  await localCertificates(folder, NOW);
  expect(read(gateway.cert).verify(read(ca).publicKey)).toBe(true);
});

test('a certificate with the key of another is made anew', async () => {
  const { gateway, database } = await localCertificates(folder, NOW);
  copyFileSync(database.key, gateway.key);
  const before = read(gateway.cert).serialNumber;
  await localCertificates(folder, NOW);
  expect(read(gateway.cert).serialNumber).not.toBe(before);
});

test.each(['ca.key', 'ca.pem', 'gateway.pem', 'gateway.key'])('says that %s is damaged', async (name) => {
  await localCertificates(folder, NOW);
  const file = join(folder, name);
  writeFileSync(file, 'nonsense\n');
  await expect(localCertificates(folder, NOW)).rejects.toMatchObject({
    code: 'state-damaged',
    message: expect.stringContaining(file) as string,
  });
});

test.each(['ca.key', 'ca.pem', 'gateway.pem'])(
  'does not call %s damaged that cannot be read',
  async (name) => {
    await localCertificates(folder, NOW);
    const file = join(folder, name);
    rmSync(file);
    mkdirSync(file, { mode: 0o700 });
    await expect(localCertificates(folder, NOW)).rejects.toMatchObject({
      code: 'store-unavailable',
      hint: expect.not.stringContaining('remove') as string,
    });
  },
);

test('refuses a key that others may read', async () => {
  const { gateway } = await localCertificates(folder, NOW);
  chmodSync(gateway.key, 0o644);
  await expect(localCertificates(folder, NOW)).rejects.toThrow(`chmod 600 ${gateway.key}`);
});
