import { readFile } from 'node:fs/promises';
import { CustodyError } from '#core/errors.ts';

/** The directory's credential in a file, without the line end after it. Rejects with `config-invalid` when it cannot be read. */
export async function readDirectorySecret({ secretFile = '' }: { readonly secretFile?: string | undefined }) {
  try {
    return (await readFile(secretFile, 'utf8')).trim();
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
    throw new CustodyError('config-invalid', `the directory's credential cannot be read (${code})`, {
      hint: 'see whether its secretFile is there and whether the gateway may read it',
      detail: `${secretFile} cannot be read (${code})`,
      cause,
    });
  }
}
