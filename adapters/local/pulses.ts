import { join } from 'node:path';
import { parsePulse, pulseText } from '#core/status/pulse-text.ts';
import { PULSE_KNOWN_MS, type Pulses } from '#core/status/pulse.ts';
import { openSqlite } from './sqlite.ts';

const FILE = 'pulses.sqlite';
/** `at`: milliseconds since 1970. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS pulses (
    process TEXT PRIMARY KEY, at INTEGER NOT NULL, pulse TEXT NOT NULL) STRICT, WITHOUT ROWID;`;

/** What the processes of one machine say of themselves, in SQLite. Throws `state-damaged`. */
export function localPulses(folder: string): Pulses & { close(): void } {
  const database = openSqlite(join(folder, FILE), 'the pulses', SCHEMA);
  const tell = database.prepare(`
    INSERT INTO pulses (process, at, pulse) VALUES (?, ?, ?)
    ON CONFLICT (process) DO UPDATE SET at = excluded.at, pulse = excluded.pulse`);
  const forget = database.prepare('DELETE FROM pulses WHERE at < ?');
  const since = database.prepare('SELECT pulse FROM pulses WHERE at >= ? ORDER BY process');
  return {
    tell: async (pulse) => {
      const at = pulse.at.getTime();
      forget.run(at - PULSE_KNOWN_MS);
      tell.run(pulse.process, at, pulseText(pulse));
    },
    since: async (time) => since.all(time.getTime()).map((row) => parsePulse(row['pulse'] as string)),
    close: () => database.close(),
  };
}
