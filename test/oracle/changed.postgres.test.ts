/** The small, deterministic form of `npm run oracle:rerun`. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runChangedOracle } from './changed.ts';
import { OracleServer } from './server.ts';

const server = new OracleServer();
beforeAll(() => server.start(), 60_000);
afterAll(() => server.stop());

test('what was changed is told, at the answers that depend on it and at no others', async () => {
  const counts = await runChangedOracle(server, 2, 7, 2);
  expect(counts).toMatchObject({ sessions: 2, changes: 4 });
  expect(counts.answers).toBeGreaterThan(3);
});
