import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is the owner's alone, for as long as an agent runs; in memory where the system has such a place. */
export interface PrivateFolder {
  readonly path: string;
  file(name: string): string;
  /** Replaces it in one step: whoever reads it sees the old one or the new one whole. */
  write(name: string, text: string): void;
  remove(): void;
}

/** XDG_RUNTIME_DIR is of memory, and its user's alone (XDG Base Directory Specification). */
export function privateFolder(env: Readonly<Record<string, string | undefined>>): PrivateFolder {
  const runtime = env['XDG_RUNTIME_DIR'];
  const parent = runtime !== undefined && isFolder(runtime) ? runtime : tmpdir();
  const path = mkdtempSync(join(parent, 'custody-agent-'));
  const file = (name: string): string => join(path, name);
  return {
    path,
    file,
    write: (name, text) => {
      writeFileSync(file(`${name}.new`), text, { mode: 0o600 });
      renameSync(file(`${name}.new`), file(name));
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
