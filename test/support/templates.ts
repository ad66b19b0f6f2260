import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What many tests begin with and takes seconds to make, such as a new PostgreSQL cluster: made once in a run, and copied.
 * The run gives its folder in `CUSTODY_TEMPLATES`; without one, nothing is kept.
 */
export async function fromTemplate(
  name: string,
  into: string,
  make: (folder: string) => Promise<void> | void,
): Promise<void> {
  const root = process.env['CUSTODY_TEMPLATES'];
  mkdirSync(into, { recursive: true });
  if (root === undefined) return make(into);
  const template = join(root, name);
  if (!existsSync(template)) await add(root, template, make);
  // Owners and permissions as they are: PostgreSQL looks at them.
  execFileSync('cp', ['-a', '--reflink=auto', '--', `${template}/.`, into]);
}

/** It appears whole. Another worker may be first. */
async function add(
  root: string,
  template: string,
  make: (folder: string) => Promise<void> | void,
): Promise<void> {
  const building = mkdtempSync(join(root, 'building-'));
  chmodSync(building, 0o711);
  await make(building);
  try {
    renameSync(building, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
    rmSync(building, { recursive: true, force: true });
  }
}
