import { CustodyError } from '#core/errors.ts';

/** Whether the system could not read a file that may be whole: neither that it is not there, nor anything about its contents. */
export function isDisksFault(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall !== undefined && code !== 'ENOENT' && code !== 'ENOTDIR';
}

/** `what`: for the message. */
export function unreadable(what: string, path: string, cause: unknown): CustodyError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CustodyError('store-unavailable', `${what} ${path} cannot be read now: ${why}`, {
    hint: 'see whether it may be read, and whether the disk is in order',
    cause,
  });
}
