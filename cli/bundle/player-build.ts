/** The player as one script for browsers: the very sources of verifier and readers, with what they use of node put in its place. */
import { type BuildOptions, build } from 'esbuild';
import { BROWSER } from '../../console/build/browser.ts';

/** The same bytes each time, for the same sources and lockfile. */
export async function buildPlayer(more: BuildOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    ...BROWSER,
    format: 'iife',
    entryPoints: ['./console/player/main.tsx'],
    ...more,
    write: false,
  });
  return outputFiles[0]!.text;
}
