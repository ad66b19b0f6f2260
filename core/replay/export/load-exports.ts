/** Who makes exports of which protocol's sessions. Loaded where one is asked for. */
import type { SessionExports } from './exports.ts';

export const LOAD_EXPORTS: ReadonlyMap<string, () => Promise<SessionExports>> = new Map([
  ['postgres', async () => (await import('../postgres/export/exports.ts')).postgresExports],
]);
