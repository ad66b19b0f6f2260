import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { localDevices } from '#adapters/local/devices.ts';
import { challengeHash } from '#core/identity/devices/registration.ts';
import { device, devicesContract, NOW } from '#test/contract/devices.ts';
import { MemoryDevices } from '#test/support/memory-devices.ts';

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-devices-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

function open(where: string) {
  const devices = localDevices(where);
  onTestFinished(() => devices.close());
  return devices;
}

devicesContract('SQLite', () => {
  const where = folder();
  return { devices: open(where), watch: open(where) };
});

devicesContract('the memory of tests', () => {
  const devices = new MemoryDevices();
  return { devices, watch: devices };
});

test('a device is there after a restart', async () => {
  const where = folder();
  const before = localDevices(where);
  await before.challenge({
    hash: device(1).challenge,
    account: device(1).owner,
    expiresAt: new Date(NOW.getTime() + 1),
  });
  await before.create(device(1), NOW, 1);
  before.close();
  expect(await open(where).get(device(1).id)).toEqual(device(1));
});

test('security case 15: a challenge that can still be answered is nowhere in the store', async () => {
  const where = folder();
  const devices = localDevices(where);
  const challenge = 'custody-device-v1 a-text-that-nobody-else-has';
  await devices.challenge({ hash: challengeHash(challenge), account: device(1).owner, expiresAt: NOW });
  devices.close();
  expect(readFileSync(join(where, 'devices.sqlite')).includes('a-text-that')).toBe(false);
});

test('a damaged file is said to be damaged', () => {
  const where = folder();
  writeFileSync(join(where, 'devices.sqlite'), 'this is no database, whatever it is called'.repeat(100));
  expect(() => localDevices(where)).toThrow(expect.objectContaining({ code: 'state-damaged' }));
});
