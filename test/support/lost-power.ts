/** What a machine's power loss leaves of a data folder: what was synced, and of the rest of it anything. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';

/** What is left of a file that was not synced. */
export type Damage = 'missing' | 'folder missing' | 'empty' | 'cut' | 'zeros' | 'whole';
export const damages = fc.array(
  fc.constantFrom<Damage>('missing', 'folder missing', 'empty', 'cut', 'zeros', 'whole'),
  { minLength: 1, maxLength: 12 },
);

export function damageObject(root: string, key: string, damage: Damage): void {
  const path = join(root, key);
  // Another object's damage may have taken the folder.
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  const half = bytes.byteLength >> 1;
  switch (damage) {
    case 'missing':
      return rmSync(path);
    case 'folder missing':
      return rmSync(dirname(path), { recursive: true });
    case 'empty':
      return overwrite(path, new Uint8Array());
    case 'cut':
      return overwrite(path, bytes.subarray(0, half));
    case 'zeros':
      return overwrite(path, Buffer.from(bytes).fill(0, 512 * Math.floor(half / 512)));
    case 'whole':
  }
}

const DATABASE = /\.sqlite(-wal|-shm)?$/;

/** As they were when they were synced last. */
export class SyncedDatabases {
  readonly #from: string;
  readonly #copy: string;

  constructor(dataDir: string, copy: string) {
    this.#from = dataDir;
    this.#copy = copy;
  }

  sync(): void {
    this.#move(this.#from, this.#copy);
  }

  restore(): void {
    this.#move(this.#copy, this.#from);
  }

  /** A `-shm` is no more than the memory of processes that are gone. */
  #move(from: string, to: string): void {
    for (const name of readdirSync(to)) if (DATABASE.test(name)) rmSync(join(to, name));
    for (const name of readdirSync(from))
      if (DATABASE.test(name) && !name.endsWith('-shm')) cpSync(join(from, name), join(to, name));
  }
}

function overwrite(path: string, bytes: Uint8Array): void {
  rmSync(path);
  writeFileSync(path, bytes, { mode: 0o444 });
}
