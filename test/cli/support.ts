import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { UnsecuredJWT } from 'jose';
import { onTestFinished } from 'vitest';
import {
  buildEvidence,
  type Files,
  type FrameInput,
  type Keys,
  makeKeys,
  pem,
  SESSION,
} from '#test/support/evidence-builder.ts';

export const CUSTODY = fileURLToPath(new URL('../../cli/custody.mjs', import.meta.url));
export const VECTORS = fileURLToPath(new URL('../vectors/recording/', import.meta.url));

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** A custody that is running. */
export function startCustody(args: readonly string[], options: RunOptions = {}) {
  const env = { PATH: process.env['PATH'], HOME: options.env?.['HOME'] ?? temporary(), ...options.env };
  const child = spawn(CUSTODY, args, { env, ...(options.cwd !== undefined && { cwd: options.cwd }) });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => (output[name] += text));
  }
  child.stdin.end(options.input ?? '');
  const ended = once(child, 'close').then(([code]): Ran => ({ code: code as number, ...output }));
  return { child, output, ended };
}

/** Runs the real binary to its end, with nothing of this process's environment but PATH. */
export async function custody(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return startCustody(args, options).ended;
}

/** A folder that is gone when the test is over. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'custody-cli-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** An ID token's outside; the fake API looks at nothing inside. */
export function idToken(claims: { exp?: number } = {}): string {
  const exp = claims.exp ?? Math.floor(Date.now() / 1000) + 3600;
  const rest = {
    iss: 'http://127.0.0.1:7401',
    sub: 'dev-1',
    email: 'dana@example.com',
    groups: ['developers'],
  };
  return new UnsecuredJWT({ ...rest, exp }).encode();
}

/** An answer that depends on the query. */
export type PagedAnswer = (query: URLSearchParams) => unknown;

export interface FakeApi {
  readonly url: string;
  readonly requests: {
    readonly path: string;
    readonly authorization: string | undefined;
    readonly method: string;
    readonly headers: IncomingHttpHeaders;
    /** Of a POST, as JSON. */
    readonly body: unknown;
  }[];
  /**
   * Answers of `/v1/…` (of a POST: `POST /v1/…`), or functions of the query that make them, by path without query. Tests change
   * them.
   */
  readonly answers: Map<string, unknown>;
  /** As `answers`, and each given once, before those. */
  readonly expiring: Map<string, unknown>;
  /** Bytes under `/objects/…`. */
  readonly objects: Map<string, Uint8Array>;
  /** Keeps the object of this name back until it is released. */
  held(name: string): { release(): void };
}

/** An API that gives what it is told to, for as long as the test runs. */
export async function fakeApi(signerPem: string): Promise<FakeApi> {
  const api = {
    url: '',
    requests: [] as FakeApi['requests'],
    answers: new Map<string, unknown>([['/v1/signer', { pem: signerPem, fingerprint: 'not looked at' }]]),
    expiring: new Map<string, unknown>(),
    objects: new Map<string, Uint8Array>(),
    held: (name: string) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      holds.set(`/objects/${name}`, promise);
      return { release: resolve };
    },
  };
  const holds = new Map<string, Promise<void>>();
  const server = createServer((request, response) => {
    const held = holds.get(request.url!);
    void Promise.all([text(request), held]).then(([body]) => answer(api, request, body, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

function answer(api: FakeApi, request: IncomingMessage, sent: string, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url!, 'http://127.0.0.1');
  const { headers, method = '' } = request;
  const parsed: unknown = sent === '' ? undefined : JSON.parse(sent);
  api.requests.push({
    path: request.url!,
    authorization: headers.authorization,
    method,
    headers,
    body: parsed,
  });
  const object = api.objects.get(pathname.replace('/objects/', ''));
  if (object !== undefined && !request.url!.endsWith('?expired')) {
    response.end(object);
    return;
  }
  const made =
    api.expiring.get(pathname) ?? api.answers.get(method === 'GET' ? pathname : `${method} ${pathname}`);
  const body = typeof made === 'function' ? (made as PagedAnswer)(searchParams) : made;
  api.expiring.delete(pathname);
  const missing = {
    title: 'Not Found',
    status: 404,
    detail: 'there is no such thing',
    code: 'not-found',
    hint: 'look again',
  };
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body ?? missing));
}

/** Serves evidence as the session of this id. */
export function serveEvidence(api: FakeApi, files: Files, id = SESSION): void {
  for (const [name, bytes] of files) api.objects.set(name, bytes);
  const objects = [...files].map(([name, bytes]) => ({
    name,
    size: bytes.length,
    url: `${api.url}/objects/${name}`,
  }));
  api.answers.set(`/v1/sessions/${id}`, sessionRecord(id));
  api.answers.set(`/v1/sessions/${id}/evidence`, { session: sessionRecord(id), objects });
}

export function sessionRecord(id = SESSION) {
  return {
    id,
    state: 'closed',
    startedAt: '2026-11-23T09:00:00.000Z',
    principal: { issuer: 'http://127.0.0.1:7401', subject: 'dev-1', email: 'dana@example.com' },
    target: 'orders-db',
    protocol: 'postgres',
    rule: 'developers-work',
    task: 'task-1',
    client: { address: '127.0.0.1:50412', application: 'psql' },
    outcome: {
      endedAt: '2026-11-23T09:04:10.120Z',
      reason: 'client-closed',
      recovered: false,
      segments: 1,
      frames: 14,
      bytes: 1893,
    },
  };
}

export function vector(name: string): Files {
  const folder = join(VECTORS, name);
  return new Map(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]));
}

/** Evidence of these frames, and the key that signed it. */
export function evidenceOf(frames: readonly FrameInput[], keys: Keys = makeKeys()) {
  return { files: buildEvidence(keys, [[frames]]), signerPem: pem(keys.signer).toString() };
}

/** The environment for an API and a home of its own, with a token. */
export function environment(api: FakeApi): {
  CUSTODY_API: string;
  CUSTODY_TOKEN: string;
  CUSTODY_HOME: string;
} {
  return { CUSTODY_API: api.url, CUSTODY_TOKEN: idToken(), CUSTODY_HOME: join(temporary(), 'home') };
}
