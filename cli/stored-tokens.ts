import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { API_FILE, DEFAULT_API } from './api.ts';
import type { Cli } from './cli.ts';
import { withLock } from './lock.ts';
import { forgetKey, open, type StoreKind, seal, sealedSchema } from './sealed-tokens.ts';

const TOKENS = 'tokens.json';
/** The lock for whoever reads the logins and then changes them. */
export const TOKENS_LOCK = 'tokens';

const of = { api: z.string(), issuer: z.string() };

const personSchema = z.object({
  ...of,
  kind: z.literal('person'),
  clientId: z.string(),
  clientSecret: z.string().optional(),
  tokenKind: z.enum(['id', 'access']),
  token: z.string(),
  refreshToken: z.string().optional(),
});
/** What a person's login leaves behind. */
export type PersonLogin = z.infer<typeof personSchema>;

const workloadSchema = z.object({
  ...of,
  kind: z.literal('workload'),
  audience: z.array(z.string()).min(1),
  source: z.enum(['github', 'gitlab', 'aws', 'file']),
  file: z.string().optional(),
});
/** Where a workload's tokens come from; they are never kept. */
export type WorkloadLogin = z.infer<typeof workloadSchema>;

const loginsSchema = z.array(z.discriminatedUnion('kind', [personSchema, workloadSchema]));
export type Login = z.infer<typeof loginsSchema>[number];

const fileSchema = z.union([
  z.object({ logins: loginsSchema }),
  z.object({ sealed: sealedSchema }),
  // As it was when there was one login: it belongs to the API that was logged in to last.
  z
    .object({
      issuer: z.string(),
      clientId: z.string(),
      idToken: z.string(),
      refreshToken: z.string().optional(),
    })
    .transform(({ idToken: token, ...rest }) => ({ before: { ...rest, token } })),
]);

/** The logins of this home, the newest first; each is for one API and one issuer, and its token goes to that API alone. */
export async function storedLogins(cli: Cli): Promise<readonly Login[]> {
  const file = readFile(cli);
  if (file === undefined) return [];
  if ('logins' in file) return file.logins;
  if ('before' in file) {
    const api = new URL(cli.home.read(API_FILE)?.trim() || DEFAULT_API).href;
    return [{ ...file.before, api, kind: 'person', tokenKind: 'id' }];
  }
  return checked(cli, loginsSchema, await open(cli, file.sealed));
}

/** Replaces them; where they were sealed they stay so, unless another `store` is wanted. */
export async function storeLogins(cli: Cli, logins: readonly Login[], store?: StoreKind): Promise<void> {
  // Without a look at the file: a logout has to get over one that cannot be read.
  if (logins.length === 0) return forgetLogins(cli);
  const kind = store ?? kindNow(cli);
  const sealed = kind === 'file' ? undefined : await seal(cli, JSON.stringify(logins), kind);
  cli.home.write(TOKENS, `${JSON.stringify(sealed === undefined ? { logins } : { sealed }, null, 2)}\n`);
  if (sealed === undefined) await forgetKey(cli);
}

/** All of them, also where they cannot be read any more. */
async function forgetLogins(cli: Cli): Promise<void> {
  cli.home.remove(TOKENS);
  await forgetKey(cli);
}

function kindNow(cli: Cli): StoreKind {
  const file = readFile(cli);
  return file !== undefined && 'sealed' in file ? 'keychain' : 'file';
}

function readFile(cli: Cli): z.infer<typeof fileSchema> | undefined {
  const text = cli.home.read(TOKENS, 'secret');
  return text === undefined ? undefined : checked(cli, fileSchema, text);
}

function checked<Shape extends z.ZodType>(cli: Cli, shape: Shape, text: string): z.infer<Shape> {
  try {
    return shape.parse(parseJson(text));
  } catch (cause) {
    throw new CustodyError('state-damaged', `${cli.home.path(TOKENS)} is not what custody login writes`, {
      hint: 'log in again: custody logout, then custody login',
      cause,
    });
  }
}

/** Adds a login in front; it takes the place of an earlier one to the same API at the same issuer. */
export function addLogin(cli: Cli, login: Login, store?: StoreKind): Promise<void> {
  return withLock(cli.home, TOKENS_LOCK, async () => {
    const others = await readable(cli);
    const rest = others.filter(({ api, issuer }) => api !== login.api || issuer !== login.issuer);
    await storeLogins(cli, [login, ...rest], store);
  });
}

/** Forgets those to `api`, and gives them. What cannot be read is forgotten whole. */
export function removeLogins(cli: Cli, api: string): Promise<readonly Login[]> {
  return withLock(cli.home, TOKENS_LOCK, async () => {
    const logins = await readable(cli);
    await storeLogins(
      cli,
      logins.filter((one) => one.api !== api),
    );
    return logins.filter((one) => one.api === api);
  });
}

/** Nobody has to repair what a new login replaces. */
async function readable(cli: Cli): Promise<readonly Login[]> {
  try {
    return await storedLogins(cli);
  } catch (error) {
    if (error instanceof CustodyError && error.code === 'state-damaged') return [];
    throw error;
  }
}
