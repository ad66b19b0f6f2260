/** Where things are in the clone, and in the package: the same places, but for what the sources were, which is all in one folder. */
import { readFileSync } from 'node:fs';
import { posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Where all scripts are in the package, beside each other. */
export const SCRIPTS = 'lib';

/** Programs, and threads: each is a file of the package at the place that it has in the clone, as `.mjs`, and leads to its script. */
export const ENTRIES = [
  'cli/custody.mjs',
  'cli/keychain-helper.ts',
  'cdk/index.ts',
  'cdk/app.ts',
  'cdk/terraform/main.ts',
  'local/main.ts',
  'fargate-proxy/main.ts',
  'fargate-proxy/protocols/postgres/shape-thread.ts',
  'adapters/local/search/worker.ts',
] as const;

/** What sources read beside themselves. */
export const READ_FILES = [
  'README.md',
  'console/player/style.css',
  'console/terminal/screen.css',
  'local/database/demo-data.sql',
  'terraform',
] as const;

/** What is made when somebody asks for it, in the clone, and was made when the package was. */
const PREBUILT: Readonly<Record<string, string>> = {
  'cli/bundle/player-build.ts': 'pack/prebuilt/player.ts',
  'console/build/build.ts': 'pack/prebuilt/console.ts',
};

/** The place of a source in the package. */
export const placeOf = (path: string): string => path.replace(/\.ts$/, '.mjs');
/** The name of an entry's script. */
export const scriptOf = (entry: string): string => placeOf(entry).replaceAll('/', '-');

/** A source goes by its place wherever its script is: what it finds beside itself, it finds there. */
export const ownPlaces: Plugin = {
  name: 'own-places',
  setup: (bundling) =>
    bundling.onLoad({ filter: /\.(?:ts|tsx|mjs)$/ }, ({ path }) => {
      const place = relative(ROOT, path).split(sep).join('/');
      if (place.startsWith('..') || place.startsWith('node_modules/')) return undefined;
      const text = readFileSync(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const own = `new URL(${JSON.stringify(`../${placeOf(place)}`)}, import.meta.url).href`;
      const contents = text
        .replace(/(new URL\('[^']+)\.ts(', import\.meta\.url\))/g, '$1.mjs$2')
        .replaceAll('import.meta.url', own);
      return { contents, loader: path.endsWith('.mjs') ? 'js' : 'ts' };
    }),
};

export const prebuilt: Plugin = {
  name: 'prebuilt',
  setup: (bundling) =>
    bundling.onResolve({ filter: /\/(?:player-)?build\.ts$/ }, ({ path, resolveDir }) => {
      const place = relative(ROOT, posix.join(resolveDir, path));
      const instead = PREBUILT[place];
      return instead === undefined ? undefined : { path: posix.join(ROOT, instead) };
    }),
};
