import type { CustodyError } from '#core/errors.ts';

/** One event for the operator. Never carries a token, a credential or session bytes. */
export type Log = (event: string, error?: CustodyError, facts?: Readonly<Record<string, unknown>>) => void;

/** Logs one JSON object a line. `write` takes the line without its line feed. */
export function jsonLog(write: (line: string) => void, wallClock: () => Date): Log {
  return (event, error, facts = {}) => {
    const told =
      error === undefined ? {} : { code: error.code, message: error.message, detail: error.detail };
    write(JSON.stringify({ time: wallClock().toISOString(), event, ...facts, ...told }));
  };
}
