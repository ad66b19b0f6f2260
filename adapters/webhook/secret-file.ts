import { readFile } from 'node:fs/promises';
import { CustodyError } from '#core/errors.ts';

/** The secret in a file, without the line end after it. Rejects with `config-invalid` when it cannot be read. */
export async function readSecretFile(file: string, what = "the webhook's secret"): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    const { code = 'unreadable' } = cause as NodeJS.ErrnoException;
    throw new CustodyError('config-invalid', `${what} cannot be read (${code})`, {
      hint: 'see whether the file that custody.yaml names is there and whether the gateway may read it',
      detail: `${file} cannot be read`,
      cause,
    });
  }
}
