import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { type DemoRole } from '#adapters/local/demo-issuer.ts';
import type { LocalGateway } from './local-gateway.ts';

/** A request as the API answers it, as far as tests look. */
export interface SeenRequest {
  readonly id: string;
  readonly state: string;
  readonly grant?: { readonly until: string };
}

/** The API as one of the demo's people uses it. */
export function apiAs(local: LocalGateway, person: DemoRole) {
  const call = async (
    method: string,
    path: string,
    body?: object,
  ): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(local.addresses.api + path, {
      method,
      headers: {
        authorization: `Bearer ${await local.token(person)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  const must = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const { status, body: answered } = await call(method, path, body);
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answered)}`);
    return answered as T;
  };
  return {
    call,
    get: <T>(path: string) => must<T>('GET', path),
    post: <T>(path: string, body: object = {}) => must<T>('POST', path, body),
  };
}

/** Asks as the developer and has it approved by both reviewers. */
export async function granted(local: LocalGateway, ask: object = {}): Promise<SeenRequest> {
  const body = { target: 'orders-prod', reason: 'a test', ...ask };
  const { id } = await apiAs(local, 'developer').post<SeenRequest>('/v1/requests', body);
  const decide = { decision: 'approved' };
  await apiAs(local, 'reviewer').post(`/v1/requests/${id}/decisions`, decide);
  return apiAs(local, 'reviewer-2').post<SeenRequest>(`/v1/requests/${id}/decisions`, decide);
}

export interface Connected {
  readonly client: pg.Client;
  /** Resolves with the messages of what went wrong once the connection is gone, and when that was (performance.now). */
  readonly gone: Promise<{ readonly errors: readonly string[]; readonly at: number }>;
}

/** The developer's connection through the gateway. Rejects with what the gateway says. */
export async function connected(
  local: LocalGateway,
  database = 'orders-prod',
  options?: string,
): Promise<Connected> {
  const client = new pg.Client({
    ...local.addresses.postgres,
    database,
    user: 'dana',
    password: await local.token('developer'),
    ssl: { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' },
    ...(options === undefined ? {} : { options }),
  });
  const errors: string[] = [];
  client.on('error', (error) => errors.push(error.message));
  const gone = new Promise<Awaited<Connected['gone']>>((done) => {
    client.once('end', () => done({ errors, at: performance.now() }));
  });
  await client.connect();
  return { client, gone };
}

/** Changes custody.yaml of a running gateway, and waits until both its processes have taken it. */
export async function reconfigure(local: LocalGateway, change: (text: string) => string): Promise<void> {
  const file = join(local.dataDir, 'custody.yaml');
  const text = change(readFileSync(file, 'utf8'));
  const before = counts(local);
  // At once: half of it may be a file that is refused, which is news as well.
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  for (;;) {
    const now = counts(local);
    if (now.gateway > before.gateway && now.api > before.api) return;
    await new Promise((next) => setTimeout(next, 50));
  }
}

function counts({ said }: LocalGateway): { gateway: number; api: number } {
  const times = (what: RegExp): number => [...said.matchAll(what)].length;
  return {
    gateway: times(/"event":"config-(?:in-force|refused)"/g),
    api: times(/custody\.yaml was changed/g),
  };
}
