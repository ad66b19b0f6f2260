/** Registers this device: its key signs a challenge, wherever the key is kept. */
import { CustodyError } from '#core/errors.ts';
import type { Api } from '../api.ts';
import type { Cli } from '../cli.ts';
import { type Device, deviceChallenge, registerDevice } from '../devices-api.ts';
import { type DeviceKey, deviceKey, type KeyWishes } from './device-key.ts';
import { runSshTool } from './tools.ts';

/** What the key signs for; a signature for anything else is no use here. */
const NAMESPACE = 'custody-device';

export async function registerKey(cli: Cli, api: Api, name: string, wishes: KeyWishes): Promise<Device> {
  const { challenge } = await deviceChallenge(api);
  const key = await deviceKey(cli, wishes, challenge);
  const signature = await signedBy(cli, key, challenge);
  const attestation = key.attestation === undefined ? {} : { attestation: key.attestation };
  return registerDevice(api, { name, publicKey: key.publicKey, challenge, signature, ...attestation });
}

/** ssh-keygen asks a file for its passphrase, a FIDO key for a touch, and the agent where it has only the public half. */
async function signedBy(cli: Cli, { identity, kind }: DeviceKey, challenge: string): Promise<string> {
  try {
    return await runSshTool(cli, 'ssh-keygen', ['-q', '-Y', 'sign', '-n', NAMESPACE, '-f', identity], {
      input: challenge,
      asks: true,
    });
  } catch (cause) {
    if (!(cause instanceof CustodyError) || cause.code !== 'precondition-failed') throw cause;
    const hint =
      kind === 'agent' ? 'does ssh-agent have it? See ssh-add -l' : 'can you use the key with ssh?';
    throw new CustodyError(cause.code, `the key ${identity} did not sign: ${cause.message}`, { hint, cause });
  }
}
