/** One line in the person's own ssh_config. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Cli } from '../cli.ts';
import { quoted } from './config-text.ts';

/** A pattern of glob(7), in which newer versions of ssh read tokens (`%h`) and older ones do not: any character stands for those. */
export function includeLine(path: string): string {
  return `Include ${quoted(path.replaceAll(/[%*?[\]]/g, '?'))}`;
}

/** At the top: after a `Host` it would be for that host alone, and what comes first counts (ssh_config(5)). */
export function installInclude(
  { env }: Cli,
  path: string,
): { readonly file: string; readonly changed: boolean } {
  const folder = join(env['HOME'] || homedir(), '.ssh');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const named = join(folder, 'config');
  // A link, as those who keep their settings elsewhere have it, stays one.
  const file = existsSync(named) ? realpathSync(named) : named;
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (topOf(text).includes(includeLine(path))) return { file: named, changed: false };
  replace(file, `${includeLine(path)}\n\n${text}`);
  return { file: named, changed: true };
}

/** Lines that are for every host. */
function topOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim());
  const end = lines.findIndex((line) => /^(?:host|match)\b/i.test(line));
  return end < 0 ? lines : lines.slice(0, end);
}

function replace(file: string, text: string): void {
  const draft = join(dirname(file), `.custody-${process.pid}.new`);
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { flag: 'wx', mode: 0o600 });
  if (existsSync(file)) chmodSync(draft, statSync(file).mode & 0o777);
  renameSync(draft, file);
}
