/** Processes of this machine, as /proc shows them; where there is none, there are none to be seen. */
import { readdirSync, readFileSync } from 'node:fs';

export function processIds(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

/** Nothing where it ended by itself. */
export function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Whoever has to know looks whether it is still there.
  }
}

/** The file's text; empty when it cannot be read. */
export function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
