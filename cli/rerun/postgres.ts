import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { wireTo } from '#adapters/postgres/wire.ts';
import type { RerunOptions, Wanted, World } from '#core/replay/rerun/postgres/rerun.ts';
import type { Api } from '../api.ts';
import type { Target } from '../api-shapes.ts';
import type { Cli } from '../cli.ts';
import { postgresKit } from '../clients/postgres.ts';
import type { Recording } from './evidence.ts';

export type { RerunOptions };

/** A recorded session, and where it runs again. */
export async function wantedPostgres(
  cli: Cli,
  api: Api,
  target: Target,
  recording: Recording,
  sandbox: string | undefined,
): Promise<Wanted> {
  const env = await postgresKit.env(cli, api, target, {});
  const cert = env['PGSSLCERT'];
  const { session } = recording.facts;
  return {
    session,
    against: target.name,
    startedAt: recording.startedAt,
    endedAt: recording.endedAt,
    frames: recording.frames(),
    reread: recording.frames,
    login: {
      user: env['PGUSER']!,
      password: api.token!,
      database: env['PGDATABASE']!,
      settings: { rerun: session, ...(sandbox === undefined ? {} : { sandbox }) },
    },
    open: wireTo({
      name: target.name,
      host: target.host,
      port: target.port,
      connectSeconds: target.connectSeconds,
      ca: readFileSync(env['PGSSLROOTCERT']!, 'utf8'),
      clientCertificate:
        cert === undefined
          ? undefined
          : { cert: readFileSync(cert, 'utf8'), key: readFileSync(env['PGSSLKEY']!, 'utf8') },
    }),
  };
}

export function worldOf({ now }: Cli): World {
  return {
    now,
    sleep: (ms, signal) =>
      sleep(Math.min(ms, 2 ** 31 - 1), undefined, signal && { signal }).catch(() => undefined),
  };
}
