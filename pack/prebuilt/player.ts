/** The player as it was built for the package, in place of cli/bundle/player-build.ts: whoever uses the package has no bundler. */
import { readFile } from 'node:fs/promises';

export function buildPlayer(): Promise<string> {
  return readFile(new URL('../../dist/player.js', import.meta.url), 'utf8');
}
