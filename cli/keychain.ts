import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { parseJson } from '#core/json.ts';
import type { Cli } from './cli.ts';

/** Small secrets by name, kept by the system for its user: macOS's Keychain, Windows' Credential Manager, a Secret Service. */
export interface Keychain {
  /** Undefined when there is none of that name. */
  get(account: string): Promise<string | undefined>;
  /** Rejects when it is not kept. */
  set(account: string, secret: string): Promise<void>;
  remove(account: string): Promise<void>;
}

const HELPER = fileURLToPath(new URL('keychain-helper.ts', import.meta.url));

const answerSchema = z.union([z.object({ secret: z.string().nullable() }), z.object({ error: z.string() })]);

/**
 * The keychain in a process of its own: a call of the system that never comes back can be ended there, and nothing of it is
 * loaded where no keychain is used.
 */
export function systemKeychain({ env }: Pick<Cli, 'env'>, patienceMs: number): Keychain {
  const ask = (request: object): Promise<string | undefined> => answerTo(request, env, patienceMs);
  return {
    get: (account) => ask({ action: 'get', account }),
    set: async (account, secret) => void (await ask({ action: 'set', account, secret })),
    remove: async (account) => void (await ask({ action: 'remove', account })),
  };
}

async function answerTo(request: object, env: Cli['env'], timeout: number): Promise<string | undefined> {
  const child = spawn(process.execPath, [HELPER], {
    env,
    stdio: ['pipe', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  const said = await text(child.stdout);
  if (said === '') throw new Error('it does not answer');
  const answer = answerSchema.parse(parseJson(said));
  if ('error' in answer) throw new Error(answer.error);
  return answer.secret ?? undefined;
}
