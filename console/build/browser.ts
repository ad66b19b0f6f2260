/** How sources of verifier and readers become scripts for browsers: with what they use of node put in its place. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { BuildOptions, Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** By these alone does a browser differ from node. */
const PLATFORM: Readonly<Record<string, string>> = {
  'node:crypto': './console/platform/crypto.ts',
  'node:zlib': './console/platform/zlib.ts',
  'node:v8': './console/platform/v8.ts',
  '#core/protocols/kubernetes/bodies/gunzip.ts': './console/platform/gunzip.ts',
  '#core/protocols/kubernetes/bodies/plain-yaml.ts': './console/platform/plain-yaml.ts',
  'libpg-query/wasm/libpg-query.js': './console/platform/sql-parser.ts',
};

/**
 * zod brings the words of its errors in fifty languages; ours are English. And it would write programs for its schemas, which a strict
 * policy forbids: browsers complain of the attempt alone.
 */
const ZOD: Plugin = {
  name: 'zod',
  setup: (bundling) => {
    bundling.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]core[\\/]core\.js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nglobalConfig.jitless = true;`,
    }));
    bundling.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** The package keeps its WebAssembly to itself, and makes each decompression without looking at errors. */
const ZSTD: Plugin = {
  name: 'zstd',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^zstd-wasm$/ }, ({ resolveDir, kind }) =>
      bundling.resolve('zstddec/stream', { resolveDir, kind, namespace: 'file' }),
    );
    bundling.onLoad({ filter: /[\\/]zstddec-stream\.mjs$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nexport { wasm };`,
    }));
  },
};

/** What every build for browsers begins with. */
export const BROWSER = {
  bundle: true,
  platform: 'browser',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  minify: true,
  conditions: ['module', 'browser'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  alias: PLATFORM,
  plugins: [ZOD, ZSTD],
  inject: ['./console/platform/globals.ts'],
  absWorkingDir: ROOT,
  logLevel: 'silent',
} as const satisfies BuildOptions;
