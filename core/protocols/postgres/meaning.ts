import { SETTABLE } from './harmless.ts';
import type { PostgresTarget } from './schema.ts';

/**
 * How a session for exact commands reads them: whatever the login, its database or the client has for settings of their own, these
 * are told to the server at the start, where they come before all of those.
 * https://www.postgresql.org/docs/current/config-setting.html
 */
export function meaningFor({ exact }: Pick<PostgresTarget, 'exact'>): ReadonlyMap<string, string> {
  return new Map([
    ['client_encoding', 'UTF8'],
    ['standard_conforming_strings', 'on'],
    ['backslash_quote', 'safe_encoding'],
    ['search_path', exact.searchPath],
    ['DateStyle', exact.dateStyle],
    ['IntervalStyle', 'postgres'],
    ['TimeZone', exact.timeZone],
    ['array_nulls', 'on'],
    ['transform_null_equals', 'off'],
    ['xmloption', 'content'],
    ['bytea_output', 'hex'],
    ['extra_float_digits', '1'],
    ...Object.entries(exact.settings),
  ]);
}

/** Who a session acts as, and whether triggers fire: not told at the start, but held. */
export const ACTS_AS: ReadonlyMap<string, string> = new Map([
  ['role', 'none'],
  ['session_replication_role', 'origin'],
]);

/** Settings that a login may have of its own: they change how fast a text runs, or whether at all, and not what it says. */
export const LEAVES_MEANING: ReadonlySet<string> = new Set([
  ...SETTABLE,
  'constraints', // SET CONSTRAINTS
  'transaction', // SET TRANSACTION
  'characteristics', // SET SESSION CHARACTERISTICS AS TRANSACTION
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'effective_cache_size',
  'effective_io_concurrency',
  'hash_mem_multiplier',
  'jit',
  'log_duration',
  'log_min_duration_statement',
  'log_min_error_statement',
  'log_min_messages',
  'log_statement',
  'maintenance_work_mem',
  'max_parallel_maintenance_workers',
  'max_parallel_workers',
  'max_parallel_workers_per_gather',
  'random_page_cost',
  'seq_page_cost',
  'synchronous_commit',
  'temp_buffers',
  'temp_file_limit',
  'work_mem',
]);

/** Settings of applications and extensions have a dot in their names; those of languages say how functions are read. */
const OF_APPLICATIONS = /^(?!plpgsql\.|plperl\.|pltcl\.|plpython\.)[a-z_][a-z0-9_$]*\.[a-z_][a-z0-9_$.]*$/;

/** Whether a contract may let a session set it: nothing by which its commands would mean something else. */
export function maySet(setting: string): boolean {
  const name = setting.toLowerCase();
  return (LEAVES_MEANING.has(name) && !NO_SETTINGS.has(name)) || OF_APPLICATIONS.test(name);
}

/** What SET says without naming a setting. */
const NO_SETTINGS: ReadonlySet<string> = new Set(['constraints', 'transaction', 'characteristics']);
