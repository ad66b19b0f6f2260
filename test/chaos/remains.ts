import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import type { SessionRecord } from '#core/recording/session-index.ts';
import type { Remains } from './check.ts';
import type { Stand } from './stand.ts';

/** What a gateway on this machine leaves in its data folder. */
export function remainsOf({ dataDir, local }: Stand): Remains {
  return {
    store: directoryStore(join(dataDir, 'store')),
    signerPem: readFileSync(join(dataDir, 'signer.pem'), 'utf8'),
    sessions: () => allSessions(dataDir),
    database: async () => {
      const { host, port } = local.addresses.database;
      const client = new pg.Client({
        host,
        port,
        database: 'orders',
        user: 'app',
        password: readFileSync(join(local.dataDir, 'secrets', 'orders-db'), 'utf8').trimEnd(),
        ssl: { ca: readFileSync(local.addresses.ca, 'utf8'), servername: 'localhost' },
      });
      await client.connect();
      return client;
    },
  };
}

async function allSessions(dataDir: string): Promise<readonly SessionRecord[]> {
  const index = openSessionIndex(join(dataDir, 'index.sqlite'));
  try {
    const all: SessionRecord[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await index.list({ limit: 500, ...(cursor === undefined ? {} : { cursor }) });
      all.push(...page.sessions);
      if (page.next === undefined) return all;
      cursor = page.next;
    }
  } finally {
    index.close();
  }
}
