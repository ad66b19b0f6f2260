/** How somebody else's program runs this very custody, with this home and API. */
import { CustodyError } from '#core/errors.ts';
import type { Cli } from '../cli.ts';
import { CUSTODY } from '../self.ts';

/** A command for a shell: sh's kind and fish read it alike. */
export function selfCommand({ env, home }: Cli, args: readonly string[]): string {
  // No quotes of a POSIX shell there; what a home is comes by the person's environment.
  if (process.platform === 'win32') return ['custody', ...args].join(' ');
  const api = env['CUSTODY_API'];
  const variables = [`CUSTODY_HOME=${home.folder}`, ...(api ? [`CUSTODY_API=${api}`] : [])];
  const words = ['env', ...variables, process.execPath, CUSTODY, ...args];
  return words.map(shellWord).join(' ');
}

/** A word that a shell takes as it stands. */
export function shellWord(word: string): string {
  if (/^[A-Za-z0-9_./:=@%+,-]+$/.test(word)) return word;
  if (!/['\\!\p{Cc}]/u.test(word)) return `'${word}'`;
  throw new CustodyError('config-invalid', `${word} has a character that not every shell reads alike`, {
    hint: 'give CUSTODY_HOME a folder with a plainer name',
  });
}
