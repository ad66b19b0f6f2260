import type { CustodyError } from '#core/errors.ts';
import { escapeJson } from '#core/replay/text.ts';

/** One event for the operator. Never carries a token, a credential or session bytes. */
export type Log = (event: string, error?: CustodyError, facts?: Readonly<Record<string, unknown>>) => void;

/** Somebody was told no: the gateway does what it is there for. */
const WARNINGS: readonly string[] = ['refused', 'peer-refused', 'config-refused', 'config-open'];

/**
 * Logs one JSON object a line. `write` takes the line without its line feed. Names, addresses and messages may hold a
 * client's own words: what a terminal acts on, or a reader cannot see, is an escape here, whoever logged it (security
 * case 18).
 */
export function jsonLog(write: (line: string) => void, wallClock: () => Date): Log {
  return (event, error, facts = {}) => {
    const told =
      error === undefined ? {} : { code: error.code, message: error.message, detail: error.detail };
    const level = levelOf(event, error);
    write(escapeJson(JSON.stringify({ time: wallClock().toISOString(), level, event, ...facts, ...told })));
  };
}

function levelOf(event: string, error: CustodyError | undefined): 'info' | 'warn' | 'error' {
  if (error === undefined) return 'info';
  return WARNINGS.includes(event) ? 'warn' : 'error';
}
