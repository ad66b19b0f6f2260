/** PostgreSQL's own parser, for whoever verifies a run: a script, and its WebAssembly as a file beside it. */
import type { Plugin } from 'esbuild';

const WASM = 'libpg-query/wasm/libpg-query.wasm';

/** In place of the stub that other builds have. */
export const SQL_ALIAS = { 'libpg-query/wasm/libpg-query.js': './console/platform/sql-module.ts' } as const;

/** The package asks for files of node where it finds itself in node: in a browser it never does. */
export const SQL_PARSER: Plugin = {
  name: 'sql-parser',
  setup: (bundling) => {
    bundling.onResolve({ filter: /^sql-parser\.(?:js|wasm)$/ }, async ({ path: asked, resolveDir, kind }) => {
      const { path, errors } = await bundling.resolve(WASM, { resolveDir, kind });
      return { path: asked.endsWith('.js') ? path.replace(/wasm$/, 'js') : path, errors };
    });
    bundling.onResolve({ filter: /^node:fs$/ }, ({ path }) => ({ path, namespace: 'never' }));
    bundling.onLoad({ filter: /^/, namespace: 'never' }, () => ({ contents: '' }));
  },
};
