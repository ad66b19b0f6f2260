import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { formatKeyLine, parsePublicKeyLine } from '#core/protocols/ssh/keys/key-line.ts';
import { publicKeyOf, type SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import type { Signer } from '#core/recording/ports.ts';
import { createKeyFile, keyFileSigner } from '../file-signer.ts';
import { isDisksFault, unreadable } from '../unreadable.ts';

/** Two CAs: whoever could sign for targets with the one for people would be everybody at the gateway. */
type Ca = 'user' | 'target';

/** Makes the CAs of a data folder, owner-only, unless they exist: `ssh/user-ca.key` and `ssh/target-ca.key`, their public halves beside. */
export function createSshCas(dataDir: string): void {
  mkdirSync(join(dataDir, 'ssh'), { recursive: true, mode: 0o700 });
  for (const ca of ['user', 'target'] as const) {
    createKeyFile(privateFile(dataDir, ca), (publicKey) => {
      const line = formatKeyLine(publicKeyOf(publicKey).blob, `custody ${ca} CA`);
      writeFileSync(publicFile(dataDir, ca), `${line}\n`);
      chmodSync(publicFile(dataDir, ca), 0o644);
    });
  }
}

/** Signs certificates for people. Throws as `fileSigner` does. */
export function userCa(dataDir: string): Signer {
  return keyFileSigner(privateFile(dataDir, 'user'));
}

/** Signs the gateway's own certificates for targets. Throws as `fileSigner` does. */
export function targetCa(dataDir: string): Signer {
  return keyFileSigner(privateFile(dataDir, 'target'));
}

/**
 * The public keys of a CA, the newest first: whoever makes a new one leaves the line of the old one in the file for as long as its
 * certificates are good. Throws `state-damaged`, and `store-unavailable` when the disk does not give it.
 */
export function caKeys(dataDir: string, ca: Ca): readonly SshPublicKey[] {
  const file = publicFile(dataDir, ca);
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    const keys = lines.filter((line) => !/^\s*(?:#|$)/.test(line)).map(parsePublicKeyLine);
    if (keys.length > 0) return keys;
  } catch (thrown) {
    if (isDisksFault(thrown)) throw unreadable("the CA's public keys", file, thrown);
    throw damaged(file, asCustodyError(thrown).message);
  }
  throw damaged(file, 'holds no key');
}

function damaged(file: string, problem: string): CustodyError {
  return new CustodyError('state-damaged', `${file} cannot be used`, {
    hint: `make it anew from the key beside it: ssh-keygen -y -f ${file.replace(/\.pub$/, '.key')}`,
    detail: `a line ${problem}`,
  });
}

function privateFile(dataDir: string, ca: Ca): string {
  return join(dataDir, 'ssh', `${ca}-ca.key`);
}

function publicFile(dataDir: string, ca: Ca): string {
  return join(dataDir, 'ssh', `${ca}-ca.pub`);
}
