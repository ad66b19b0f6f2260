/** The keys of the demo's identity providers, in `<data folder>/oidc/`. Whoever can read the folder is everybody. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { isDisksFault, unreadable } from './unreadable.ts';

/** The private keys of one provider, newest first, as oidc-provider's `jwks` takes them. */
export interface DemoKeys {
  readonly keys: JWK[];
}

export interface KeyFile {
  readonly file: string;
  readonly algorithm: string;
}

export const peopleKeys: KeyFile = { file: 'jwks.json', algorithm: 'ES256' };
/** RS256, as GitHub Actions signs. */
export const workloadKeys: KeyFile = { file: 'workloads-jwks.json', algorithm: 'RS256' };

const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })).min(1) });
const PUBLIC_MEMBERS = ['kty', 'kid', 'use', 'alg', 'crv', 'x', 'y', 'n', 'e'] as const;

/** The keys of a provider that is about to start; makes one at the first start. */
export async function demoKeys(dataFolder: string, { file, algorithm }: KeyFile): Promise<DemoKeys> {
  const path = demoFile(dataFolder, file);
  mkdirSync(join(dataFolder, 'oidc'), { recursive: true, mode: 0o700 });
  if (statSync(path, { throwIfNoEntry: false }) === undefined)
    replaceDemoFile(path, { keys: [await newKey(algorithm)] });
  return keptKeys(dataFolder, { file, algorithm });
}

/** The keys of a provider that was started before. Throws `not-found` where none was. */
export function keptKeys(dataFolder: string, { file }: KeyFile): DemoKeys {
  const path = demoFile(dataFolder, file);
  const { keys } = readDemoFile(path, jwksSchema);
  if ((statSync(path).mode & 0o077) !== 0)
    throw damaged(path, 'others may read it', `run: chmod 600 ${path}`);
  return { keys };
}

/** What may be published of them. */
export function publicKeys({ keys }: DemoKeys): DemoKeys {
  const isPublic = (member: string): boolean => PUBLIC_MEMBERS.some((known) => known === member);
  return { keys: keys.map((key) => Object.fromEntries(Object.entries(key).filter(([m]) => isPublic(m)))) };
}

/** A JWT of these claims, by the newest key. */
export async function signedBy({ keys }: DemoKeys, claims: JWTPayload): Promise<string> {
  const [key] = keys;
  const { kid } = key!;
  const alg = key!.alg ?? peopleKeys.algorithm;
  return new SignJWT(claims)
    .setProtectedHeader({ alg, typ: 'JWT', ...(kid !== undefined && { kid }) })
    .sign(await importJWK(key!, alg));
}

export function demoFile(dataFolder: string, name: string): string {
  return join(dataFolder, 'oidc', name);
}

/** Throws `not-found` where no local gateway was started, and `state-damaged` for what it does not write. */
export function readDemoFile<Shape extends z.ZodType>(path: string, shape: Shape): z.infer<Shape> {
  try {
    return shape.parse(parseJson(readFileSync(path, 'utf8')));
  } catch (error) {
    if (isDisksFault(error)) throw unreadable('the file', path, error);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw damaged(
        path,
        'it is not what the local gateway writes',
        `remove it and run npm start again`,
        error,
      );
    }
    throw new CustodyError('not-found', `there is no demo identity provider: ${path} does not exist`, {
      hint: 'start the local gateway (npm start), or name its data folder with --data-dir',
      cause: error,
    });
  }
}

/** In one step, and for the owner alone. */
export function replaceDemoFile(path: string, value: unknown): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  renameSync(draft, path);
}

async function newKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() };
}

function damaged(path: string, what: string, hint: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `${path} cannot be used: ${what}`, { hint, cause });
}
