import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildPlayer } from '#cli/bundle/player-build.ts';

/** What browsers are given, run by this node: `entry` of console, with everything of node replaced as for a browser. */
export async function browserBuild<Module>(entry: string): Promise<Module> {
  const code = await buildPlayer({ entryPoints: [`./console/${entry}`], format: 'esm', minify: false });
  const folder = mkdtempSync(join(tmpdir(), 'custody-browser-'));
  try {
    const file = join(folder, 'module.mjs');
    writeFileSync(file, code);
    return (await import(/* @vite-ignore */ file)) as Module;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
