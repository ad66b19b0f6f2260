/** What the console is measured with, in the folder of a gateway that runs. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { openSearch } from '#adapters/local/search/search.ts';
import { openSessionIndex } from '#adapters/local/session-index.ts';
import { readConfig } from '#core/access/config.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { INDEX_VERSION } from '#core/replay/index/version.ts';
import { rulesOf } from '#core/search/fill.ts';
import { dataFiles } from '#local/setup/settings.ts';
import { apiAs } from '#test/support/access-story.ts';
import { eventually } from '#test/support/clients.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';
import { recordedPsql } from '#test/support/recorded-psql.ts';
import { opening } from '#test/support/recorder.ts';
import { OUTCOME, sessionRecord } from '#test/support/session-records.ts';
import { recordLarge } from '../large-recording.ts';

const INDEXED_WITHIN_MS = 600_000;

/**
 * One a minute until now, of a hundred people; the gateway starts anew with them. They are in the catalog, and in the search without a
 * step: nobody looks for what was recorded of them, and a list reads nothing else.
 */
export async function fillList(gateway: LocalGateway, count: number): Promise<void> {
  await gateway.terminate();
  const files = dataFiles(gateway.dataDir);
  const rules = rulesOf(
    { target: TARGET },
    await readConfig(readFileSync(files.config, 'utf8'), files.config),
  );
  const records = Array.from({ length: count }, (_, n) => listedRecord(n, Date.now() - (count - n) * 60_000));
  intoCatalog(files.index, records);
  const search = await openSearch(files.search);
  for (const { id, protocol, target, principal, startedAt } of records)
    await search.add({ id, protocol, target, principal, startedAt: Date.parse(startedAt) }, noSteps(), rules);
  await search.close();
  await gateway.restart();
}

const TARGET = 'orders-db';
type Listed = ReturnType<typeof sessionRecord>;

function listedRecord(n: number, began: number): Listed {
  const subject = `person-${n % 100}`;
  const record = sessionRecord(n, { subject, email: `${subject}@example.com`, target: TARGET });
  return { ...record, id: newSessionId(began, randomBytes(10)), startedAt: new Date(began).toISOString() };
}

async function* noSteps(): AsyncGenerator<never> {
  yield* [];
}

function intoCatalog(file: string, records: readonly Listed[]): void {
  const database = new DatabaseSync(file);
  database.exec('BEGIN');
  const insert = database.prepare(
    'INSERT INTO sessions (id, target, issuer, subject, record, outcome, indexed) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  for (const record of records) {
    const { issuer, subject } = record.principal;
    const endedAt = new Date(Date.parse(record.startedAt) + 59_000).toISOString();
    const texts = [JSON.stringify(record), JSON.stringify({ ...OUTCOME, endedAt }), INDEX_VERSION];
    insert.run(record.id, record.target, issuer, subject, ...texts);
  }
  database.exec('COMMIT');
  database.close();
}

/** By the recorder, with this gateway's key; the gateway makes its index. */
export async function largeRecording(gateway: LocalGateway, bytes: number) {
  const { dataDir } = gateway;
  const files = dataFiles(dataDir);
  const index = openSessionIndex(files.index);
  const leaves = localLeafQueue(dataDir);
  const session = newSessionId(Date.now(), randomBytes(10));
  const started = performance.now();
  const ports = { sink: directoryStore(files.store), signer: fileSigner(dataDir), index, leaves };
  await recordLarge({ ...opening(1), session, startedAt: new Date().toISOString() }, bytes, ports);
  index.close();
  leaves.close();
  const made = performance.now();
  await eventually('the index', () => isIndexed(files.index, session), INDEXED_WITHIN_MS);
  const indexedMs = performance.now() - made;
  const { total } = await apiAs(gateway, 'auditor').get<{ total: { steps: number } }>(
    `/v1/sessions/${session}/steps?limit=1`,
  );
  return { session, steps: total.steps, madeMs: made - started, indexedMs };
}

/** Asked of the catalog: a question to the API would have the gateway make it twice. */
function isIndexed(file: string, session: string): true | undefined {
  const database = new DatabaseSync(file, { readOnly: true });
  const row = database.prepare('SELECT indexed FROM sessions WHERE id = ?').get(session);
  database.close();
  return row?.['indexed'] === INDEX_VERSION || undefined;
}

/** What psql read, of two columns. */
export async function rowsOfOneResult(gateway: LocalGateway, rows: number) {
  const sql = `select g as id, 'customer ' || g as name from generate_series(1, ${rows}) g;`;
  return { session: await recordedPsql(gateway, sql, INDEXED_WITHIN_MS), rows };
}
