import { commandWords } from '#core/protocols/ssh/files/command-words.ts';
import { LOOKING_PROGRAMS } from '../looking-programs.ts';
import type { Shown } from '../step.ts';
import { gitCommand } from './files/git-command.ts';
import { rsyncCommand } from './files/rsync-reader.ts';

/**
 * Whether a command line is one program that only looks, as plain as a SELECT: what else runs in its place at the target nobody can
 * say. Programs that move files have steps of their own, which say what was written.
 */
export function onlyLooks({ text, cut }: Shown): boolean {
  if (cut) return false;
  const [program, ...rest] = commandWords(text)?.map((word) => word.text) ?? [];
  if (program === undefined) return false;
  const name = /^(?:\/usr)?\/s?bin\/([^/]+)$/.exec(program)?.[1] ?? program;
  if (LOOKING_PROGRAMS.has(name)) return true;
  if (name === 'scp') return rest.some((word) => /^-[a-z]*[ft]$/.test(word));
  if (name === 'sftp-server' || name === 'internal-sftp') return true;
  return gitCommand(text) !== undefined || rsyncCommand(text) !== undefined;
}
