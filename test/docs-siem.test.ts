/** The queries of docs/siem.md, parsed as Athena's and run by another engine over the objects that the indexer puts. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STEP_SHAPES } from '#core/ocsf/load-shapes.ts';
import { PartWriter } from '#core/ocsf/part-writer.ts';
import { sessionEvents } from '#core/ocsf/session-events.ts';
import type { EventStep } from '#core/ocsf/step-event.ts';
import { postgresSteps, SSH_TARGET, sessionOf, sshSteps } from './core/ocsf/support.ts';
import { type DuckAthena, duckAthena } from './support/duck-athena.ts';
import { MemoryEvents } from './support/memory-events.ts';
import { hasOcsf } from './support/ocsf.ts';

const TEXT = readFileSync(new URL('../docs/siem.md', import.meta.url), 'utf8');
const QUERIES = [...TEXT.matchAll(/\n([^\n]+):\n\n```sql\n([^`]+)```/g)].map(
  ([, title, sql]) => [title!, sql!] as const,
);
const TASK = {
  run: '0190a5d0-0000-7000-8000-000000000000',
  workflow: 'refunds',
  digest: 'd'.repeat(64),
  name: 'find',
};
const DATABASE = 'custody_docs';

/** What each is to find, by columns of one of its rows. */
const FOUND: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Who read or wrote the table `customers`': { person: 'dana@example.com', step: '2', how: 'read' },
  'All that one person changed, anywhere': { text: 'update orders set state = 2', target: 'orders-db' },
  'Errors by target': { target: 'web-1' },
  'Files that were taken out, with their digests': { path: '/srv/orders.csv', sha256: 'a'.repeat(64) },
  'Tasks that left their contract': {
    workflow: 'refunds',
    title: 'Task find of refunds left its contract: not-in-contract',
  },
};

describe.runIf(hasOcsf())('the queries of docs/siem.md', () => {
  let engine: DuckAthena;
  beforeAll(async () => {
    const events = new MemoryEvents();
    const put = async (n: number, changes: object, steps: AsyncIterable<EventStep>): Promise<void> => {
      const session = sessionOf(changes, n);
      const { target, session: id } = session.open.value;
      const writer = new PartWriter(events, id, undefined);
      for await (const placed of sessionEvents(session, steps, STEP_SHAPES.get(target.protocol)!))
        writer.add(placed);
      await writer.flush();
    };
    await put(1, { task: TASK }, postgresSteps());
    await put(2, SSH_TARGET, sshSteps());
    events.objects.set('steps/day=2026-01-01/none.json.gz', Uint8Array.from(EMPTY_GZIP));
    engine = duckAthena(events.objects, DATABASE);
  });
  afterAll(() => engine?.stop());

  it('are five', () => {
    expect(QUERIES.map(([title]) => title).sort()).toEqual(Object.keys(FOUND).sort());
  });

  it.each(QUERIES)('%s', async (title, sql) => {
    const inDatabase = sql.replace(/\bFROM events\b/, `FROM "${DATABASE}".events`);
    const { columns, rows } = await engine.ask({ sql: inDatabase, values: [] });
    const found = rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at]!, value])));
    expect(found).toContainEqual(expect.objectContaining(FOUND[title]!));
  });
});

/** `gzip -n </dev/null` */
const EMPTY_GZIP = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
