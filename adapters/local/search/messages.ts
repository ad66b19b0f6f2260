import { type CustodyError, type ErrorCode } from '#core/errors.ts';
import type { SearchDatabase } from './database.ts';

type Call = 'remove' | 'add' | 'search' | 'sessions' | 'missing' | 'close';

/** To the search's thread, which answers each in its turn. */
export type SearchCall = {
  [Name in Call]: {
    readonly number: number;
    readonly call: Name;
    readonly values: Parameters<SearchDatabase[Name]>;
  };
}[Call];

export type SearchResult<Name extends Call> = ReturnType<SearchDatabase[Name]>;
export type SearchCallName = Call;

/** The first of them is of no call: the database is open, or cannot be. */
export interface SearchAnswer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: PlainError;
}

/** An error as it passes between threads. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly detail?: string;
}

export function plainError({ code, message, hint, detail }: CustodyError): PlainError {
  return { code, message, ...(hint !== undefined && { hint }), ...(detail !== undefined && { detail }) };
}

export const OPENING = 0;
