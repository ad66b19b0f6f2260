/** One question to the system's keychain, from standard input to standard output; see keychain.ts. */
import { text } from 'node:stream/consumers';
import type { AsyncEntry } from '@napi-rs/keyring';
import { z } from 'zod';
import { parseJson } from '#core/json.ts';

const SERVICE = 'custody';

const requestSchema = z.object({
  action: z.enum(['get', 'set', 'remove']),
  account: z.string().min(1),
  secret: z.string().optional(),
});

process.stdout.write(JSON.stringify(await answer()));

async function answer(): Promise<{ secret: string | null } | { error: string }> {
  try {
    const { action, account, secret = '' } = requestSchema.parse(parseJson(await text(process.stdin)));
    const entry = await entryOf(account);
    if (action === 'set') await entry.setPassword(secret);
    if (action === 'remove') await entry.deleteCredential();
    return { secret: action === 'get' ? ((await entry.getPassword()) ?? null) : null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** On Linux the Secret Service alone: the kernel's own keyring, the other choice, forgets at a restart. */
async function entryOf(account: string): Promise<AsyncEntry> {
  const keyring = await import('@napi-rs/keyring').catch(() => {
    throw new Error('this installation has no support for it');
  });
  return new keyring.AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } });
}
