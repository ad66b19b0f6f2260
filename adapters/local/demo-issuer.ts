import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';
import { isDisksFault, unreadable } from './unreadable.ts';

/**
 * What the demo identity provider keeps in `<data folder>/oidc/`, so that `custody demo token` can sign an ID token of
 * a demo person without a browser. Whoever can read the folder is everybody: it is for a laptop alone.
 */
export interface DemoIssuer {
  readonly issuer: string;
  readonly audience: string;
}

export type DemoRole = 'developer' | 'reviewer' | 'reviewer-2' | 'auditor' | 'admin';

export interface DemoPerson {
  readonly subject: string;
  readonly name: string;
  readonly email: string;
  readonly groups: readonly string[];
}

export const demoPeople: Readonly<Record<DemoRole, DemoPerson>> = {
  developer: { subject: 'dev-1', name: 'Dana', email: 'dana@example.com', groups: ['developers'] },
  reviewer: { subject: 'rev-1', name: 'Rui', email: 'rui@example.com', groups: ['reviewers'] },
  'reviewer-2': { subject: 'rev-2', name: 'Sam', email: 'sam@example.com', groups: ['reviewers'] },
  auditor: { subject: 'aud-1', name: 'Ada', email: 'ada@example.com', groups: ['auditors'] },
  admin: { subject: 'adm-1', name: 'Pat', email: 'pat@example.com', groups: ['platform'] },
};

const ALGORITHM = 'ES256';
const LIFETIME_S = 3600;

const issuerSchema = z.object({ issuer: z.url(), audience: z.string().min(1) });
const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string() })).min(1) });

/** The provider's private keys, newest first, as oidc-provider's `jwks` takes them; makes one at the first start. */
export async function demoKeys(dataFolder: string): Promise<{ keys: JWK[] }> {
  const path = keysPath(dataFolder);
  mkdirSync(join(dataFolder, 'oidc'), { recursive: true, mode: 0o700 });
  if (statSync(path, { throwIfNoEntry: false }) === undefined) replace(path, { keys: [await newKey()] });
  return readKeys(path);
}

/** Says under which address the provider runs now, for `demoToken`. */
export function recordDemoIssuer(dataFolder: string, issuer: DemoIssuer): void {
  replace(issuerPath(dataFolder), issuer);
}

/** An ID token of a demo person that is good for an hour, with `more` claims. Throws `not-found` where no local gateway was started. */
export async function demoToken(
  dataFolder: string,
  role: DemoRole,
  nowMs: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { issuer, audience } = readJson(issuerPath(dataFolder), issuerSchema);
  const [key] = readKeys(keysPath(dataFolder)).keys;
  const { subject, name, email, groups } = demoPeople[role];
  const seconds = Math.floor(nowMs / 1000);
  return new SignJWT({ name, email, groups, ...more })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', ...(key!.kid !== undefined && { kid: key!.kid }) })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIFETIME_S)
    .sign(await importJWK(key!, ALGORITHM));
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: ALGORITHM, use: 'sig', kid: randomUUID() };
}

function readKeys(path: string): { keys: JWK[] } {
  const { keys } = readJson(path, jwksSchema);
  if ((statSync(path).mode & 0o077) !== 0)
    throw damaged(path, 'others may read it', `run: chmod 600 ${path}`);
  return { keys };
}

function readJson<Shape extends z.ZodType>(path: string, shape: Shape): z.infer<Shape> {
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
function replace(path: string, value: unknown): void {
  const draft = `${path}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  renameSync(draft, path);
}

function damaged(path: string, what: string, hint: string, cause?: unknown): CustodyError {
  return new CustodyError('state-damaged', `${path} cannot be used: ${what}`, { hint, cause });
}

function keysPath(dataFolder: string): string {
  return join(dataFolder, 'oidc', 'jwks.json');
}

function issuerPath(dataFolder: string): string {
  return join(dataFolder, 'oidc', 'issuer.json');
}
