import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { CustodyError } from '#core/errors.ts';

/**
 * The text of a file that a command line names, also by a link. Only a plain one is read: a pipe or a device would keep the
 * command waiting, or never end. Throws `not-found` when it cannot be read, and `format-invalid` when it has more than `atMost` bytes.
 */
export function readGivenFile(path: string, atMost: number): string {
  refuseOther(path, () => statSync(path).isFile());
  const file = opened(path);
  try {
    refuseOther(path, () => fstatSync(file).isFile());
    const bytes = Buffer.alloc(atMost + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length <= atMost; length += read)
      read = readSync(file, bytes, length, bytes.byteLength - length, null);
    if (length <= atMost) return bytes.subarray(0, length).toString('utf8');
  } finally {
    closeSync(file);
  }
  throw new CustodyError(
    'format-invalid',
    `${path} has more than the ${atMost} bytes that such a file may have`,
  );
}

function opened(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function refuseOther(path: string, isFile: () => boolean): void {
  let plain: boolean;
  try {
    plain = isFile();
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (!plain) throw new CustodyError('not-found', `${path} is not a plain file`);
}

function unreadable(path: string, cause: unknown): CustodyError {
  const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
  return new CustodyError('not-found', `${path} cannot be read${code}`, {
    hint: 'is it there, and may you read it?',
    cause,
  });
}
