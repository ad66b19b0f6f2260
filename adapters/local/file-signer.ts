import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CustodyError } from '#core/errors.ts';
import type { Signer } from '#core/recording/ports.ts';
import { isDisksFault, unreadable } from './unreadable.ts';

const PRIVATE = 'signer.key';
const PUBLIC = 'signer.pem';

/** Makes the signing key of a data folder, owner-only, unless it exists. */
export function createSignerKey(folder: string): void {
  createKeyFile(join(folder, PRIVATE), (publicKey) => {
    writeFileSync(join(folder, PUBLIC), publicKey.export({ type: 'spki', format: 'pem' }));
    chmodSync(join(folder, PUBLIC), 0o444);
  });
}

/** Makes a P-256 key in a file, owner-only, unless it exists. `publish`: is told the public half of a new one. */
export function createKeyFile(path: string, publish: (publicKey: KeyObject) => void): void {
  if (existsSync(path)) return;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { flag: 'wx', mode: 0o600 });
  publish(publicKey);
}

/**
 * A signing key in a file: what a laptop has instead of KMS.
 * Throws `state-damaged` when the key is missing, of another kind, or readable by others, and `store-unavailable` when the
 * disk does not give it.
 */
export function fileSigner(folder: string): Signer {
  return keyFileSigner(join(folder, PRIVATE));
}

/** As `fileSigner`, of any file. */
export function keyFileSigner(path: string): Signer {
  const key = loadKey(path);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  return {
    sign: async (message) => sign('sha256', message, key),
    publicKey: async () => publicKey,
  };
}

function loadKey(path: string): KeyObject {
  try {
    refuseOpenToOthers(path);
    const key = createPrivateKey(readFileSync(path));
    if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch (error) {
    if (error instanceof CustodyError) throw error;
    if (isDisksFault(error)) throw unreadable('the signing key', path, error);
    throw damaged(path, 'it cannot be read', error);
  }
  throw damaged(path, 'it is not a P-256 key');
}

function refuseOpenToOthers(path: string): void {
  const mode = statSync(path).mode & 0o077;
  if (mode !== 0) throw damaged(path, `its permissions let others read it; run: chmod 600 ${path}`);
}

function damaged(path: string, what: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `the signing key ${path} cannot be used: ${what}`, {
    hint: 'restore it from a backup; with a new key, old evidence verifies only under the old public key',
    cause,
  });
}
