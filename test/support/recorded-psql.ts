/** Sessions of psql through a local gateway, as the API has them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { apiAs } from './access-story.ts';
import { eventually, libpqEnvironment, psql } from './clients.ts';
import type { LocalGateway } from './local-gateway.ts';

interface SeenSession {
  readonly id: string;
  readonly state: string;
}

/** What a psql that went on after errors did, once it is sealed: the session's id. */
export async function recordedPsql(gateway: LocalGateway, sql: string, ms?: number): Promise<string> {
  const before = new Set((await sessionsOf(gateway)).map(({ id }) => id));
  await psql(gateway, sql, { args: ['-v', 'ON_ERROR_STOP=0'] });
  return eventually(
    'a sealed session',
    async () => (await sessionsOf(gateway)).find(({ id, state }) => !before.has(id) && state !== 'open')?.id,
    ms,
  );
}

export interface OpenPsql {
  readonly session: string;
  /** Resolves when it is gone, with what it said of errors. */
  readonly done: Promise<string>;
  type(sql: string): void;
  leave(): void;
}

/** A psql that goes on until it is ended, or leaves. */
export async function openPsql(gateway: LocalGateway, database = 'orders-db'): Promise<OpenPsql> {
  const before = new Set((await sessionsOf(gateway)).map(({ id }) => id));
  const env = libpqEnvironment(gateway, await gateway.token('developer'), database);
  const child = spawn('psql', ['-XAtq'], { env, stdio: ['pipe', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on('error', () => undefined);
  const done = once(child, 'close').then(() => said);
  const session = await eventually(
    'an open session',
    async () => (await sessionsOf(gateway)).find(({ id }) => !before.has(id))?.id,
  );
  return { session, done, type: (sql) => void child.stdin.write(`${sql}\n`), leave: () => child.stdin.end() };
}

async function sessionsOf(gateway: LocalGateway): Promise<readonly SeenSession[]> {
  const { sessions } = await apiAs(gateway, 'auditor').get<{ sessions: SeenSession[] }>('/v1/sessions');
  return sessions;
}
