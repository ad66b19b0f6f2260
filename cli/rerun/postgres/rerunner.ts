import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { wireTo } from '#adapters/postgres/wire.ts';
import { rerunPostgres, type Wanted, type World } from '#core/replay/rerun/postgres/rerun.ts';
import type { Api } from '../../api.ts';
import type { Cli } from '../../cli.ts';
import { postgresKit } from '../../clients/postgres.ts';
import type { Rerunner, WantedRerun } from '../rerunner.ts';
import { takeOver } from './take-over.ts';

const SLEEP_MAX_MS = 2 ** 31 - 1;

export const postgresRerunner: Rerunner = {
  run: async (cli, api, wanted, options) => {
    const all: Wanted[] = [];
    for (const one of wanted) all.push(await wantedPostgres(cli, api, one));
    const { reports, live } = await rerunPostgres(all, options, worldOf(cli));
    return { reports, goOn: live && (() => takeOver(cli, live)) };
  },
};

async function wantedPostgres(
  cli: Cli,
  api: Api,
  { target, recording, sandbox }: WantedRerun,
): Promise<Wanted> {
  const env = await postgresKit.env(cli, api, target, {});
  const cert = env['PGSSLCERT'];
  const { session } = recording.facts;
  const { name, host, port, connectSeconds } = target;
  const { startedAt, endedAt } = recording;
  return {
    ...{ session, against: name, startedAt, endedAt },
    frames: recording.frames(),
    reread: recording.frames,
    login: {
      user: env['PGUSER']!,
      password: api.token!,
      database: env['PGDATABASE']!,
      settings: { rerun: session, ...(sandbox === undefined ? {} : { sandbox }) },
    },
    open: wireTo({
      ...{ name, host, port, connectSeconds },
      ca: readFileSync(env['PGSSLROOTCERT']!, 'utf8'),
      clientCertificate:
        cert === undefined
          ? undefined
          : { cert: readFileSync(cert, 'utf8'), key: readFileSync(env['PGSSLKEY']!, 'utf8') },
    }),
  };
}

function worldOf({ now }: Cli): World {
  return {
    now,
    sleep: (ms, signal) =>
      sleep(Math.min(ms, SLEEP_MAX_MS), undefined, signal && { signal }).catch(() => undefined),
  };
}
