/** A certificate for this device's key, got where the last one does not do any more. */
import type { Api } from '../api.ts';
import type { Cli } from '../cli.ts';
import { getCertificate, hasGood } from './certificate.ts';
import { type DeviceKey, deviceKey } from './device-key.ts';

/** The device's key with a certificate that is good for `target`. */
export async function readyKey(cli: Cli, api: Api, target: string): Promise<DeviceKey> {
  const key = await deviceKey(cli, {});
  if (!hasGood(cli, key, target)) await getCertificate(cli, api, key, {});
  return key;
}
