/** The keys that the gateway shows to its clients: made once, the same for every task, and told to whoever asks the API. */
import { generateKeyPairSync } from 'node:crypto';
import { CustodyError } from '#core/errors.ts';
import { formatKeyLine } from './keys/key-line.ts';
import { parsePrivateKey, type SshPrivateKey } from './keys/private-key.ts';

export interface HostKeys {
  /**
   * The gateway's keys; makes them where there are none yet. Of several that do so at once all get the same. Rejects with
   * `state-damaged` or `config-invalid` for a key that cannot be used: a new one would look like an attack to every client.
   */
  load(): Promise<readonly SshPrivateKey[]>;
}

/** How the API knows the keys, which reads no secret. */
export interface ToldHostKeys {
  /** Says what clients are shown from now on, as lines such as `ssh-ed25519 AAAA…`. May be repeated. */
  tell(lines: readonly string[]): Promise<void>;
  /** What was told last; nothing where no gateway has spoken SSH yet. */
  told(): Promise<readonly string[]>;
}

/** A new key as PEM (PKCS #8). Ed25519 alone: every client of the last ten years knows it, and none needs another. */
export function newHostKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** Of what was kept. Throws `config-invalid`; the message completes "the host key …". */
export function hostKeyFrom(text: string): SshPrivateKey {
  const key = parsePrivateKey(text);
  if (key.publicKey.type !== 'ssh-ed25519')
    throw new CustodyError('config-invalid', `is of type ${key.publicKey.type}, and has to be ed25519`);
  return key;
}

/** The keys' public halves, a line each. */
export function hostKeyLines(keys: readonly SshPrivateKey[]): string[] {
  return keys.map(({ publicKey }) => formatKeyLine(publicKey.blob));
}

/** The keys, told before any client is shown one. */
export async function loadAndTell(hostKeys: HostKeys, told: ToldHostKeys): Promise<readonly SshPrivateKey[]> {
  const keys = await hostKeys.load();
  await told.tell(hostKeyLines(keys));
  return keys;
}
