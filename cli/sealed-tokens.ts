import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { type Cli, say } from './cli.ts';
import { type Keychain, systemKeychain } from './keychain.ts';

/** auto: the keychain where there is one. */
export const stores = ['auto', 'keychain', 'file'] as const;
export type StoreKind = (typeof stores)[number];

/** The file that tells that a key is in the keychain: nobody without one waits for it. */
const MARK = 'keychain.txt';
/** A person may have to unlock it first. */
const PATIENCE_MS = 60_000;
/** Where nobody asked for it, nobody waits for it. */
const AUTO_MS = 10_000;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const CIPHER = 'aes-256-gcm';

const base64 = z.base64();
/** Logins under a key of the keychain. The key alone is there: Windows takes 2,560 bytes, which tokens are longer than. */
export const sealedSchema = z.object({ nonce: base64, tag: base64, text: base64 });
type Sealed = z.infer<typeof sealedSchema>;

/** Undefined where there is no keychain and `store` is auto. Rejects with `store-unavailable` where it has to be one. */
export async function seal(
  cli: Cli,
  text: string,
  store: Exclude<StoreKind, 'file'>,
): Promise<Sealed | undefined> {
  const keychain = systemKeychain(cli, store === 'auto' ? AUTO_MS : PATIENCE_MS);
  try {
    const key = (await knownKey(cli, keychain)) ?? (await newKey(cli, keychain));
    return sealed(key, text);
  } catch (cause) {
    if (store === 'auto') return undefined;
    throw new CustodyError('store-unavailable', `the keychain cannot be used: ${(cause as Error).message}`, {
      hint: 'unlock it, or keep the login in a file for yourself alone: custody login --store file',
      cause,
    });
  }
}

/** The text that was sealed. Rejects with `state-damaged` when the keychain does not give its key, or another one. */
export async function open(cli: Cli, { nonce, tag, text }: Sealed): Promise<string> {
  try {
    const key = await knownKey(cli, systemKeychain(cli, PATIENCE_MS));
    if (key === undefined) throw new Error('it has no such key');
    const decipher = createDecipheriv(CIPHER, key, Buffer.from(nonce, 'base64'), { authTagLength: 16 });
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    return Buffer.concat([decipher.update(text, 'base64'), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new CustodyError(
      'state-damaged',
      `the login is sealed with a key of the keychain, which does not open it: ${(cause as Error).message}`,
      {
        hint: 'unlock the keychain, or log in again: custody logout, then custody login --store file',
        cause,
      },
    );
  }
}

/** Best effort: what it sealed is gone already. */
export async function forgetKey(cli: Cli): Promise<void> {
  if (cli.home.read(MARK) === undefined) return;
  await systemKeychain(cli, AUTO_MS)
    .remove(account(cli))
    .catch((error: unknown) => {
      say(cli, `note: the keychain keeps a key that opens nothing any more: ${(error as Error).message}`);
    });
  cli.home.remove(MARK);
}

function sealed(key: Uint8Array, text: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    text: bytes.toString('base64'),
  };
}

async function knownKey(cli: Cli, keychain: Keychain): Promise<Uint8Array | undefined> {
  if (cli.home.read(MARK) === undefined) return undefined;
  const key = Buffer.from((await keychain.get(account(cli))) ?? '', 'base64');
  return key.length === KEY_BYTES ? key : undefined;
}

/** Read back before anything rests on it: some keychains take what they do not give again. */
async function newKey(cli: Cli, keychain: Keychain): Promise<Uint8Array> {
  const key = randomBytes(KEY_BYTES);
  await keychain.set(account(cli), key.toString('base64'));
  if ((await keychain.get(account(cli))) !== key.toString('base64'))
    throw new Error('it does not give back what it was given');
  cli.home.write(MARK, 'custody keeps the key of tokens.json in the keychain of this system\n');
  return key;
}

/** A key for each home. */
function account(cli: Cli): string {
  return cli.home.folder;
}
