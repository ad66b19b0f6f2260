/** `npm run build`: each function, and the proxy, as one file in dist. */
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BuildOptions, build as bundle, type Plugin } from 'esbuild';
import { functionNames } from './function-names.ts';
import { RDS_CERTIFICATES, rdsCertificates } from './targets/postgres/rds-certificates.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/** Packages that are CommonJS ask for `require` at run time, and where they are. */
const BANNER = [
  "import { createRequire as custodyRequire } from 'node:module';",
  'const require = custodyRequire(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join('\n');

/** The parser of SQL, which its package's script looks for beside itself. */
const SQL_PARSER = 'node_modules/libpg-query/wasm/libpg-query';

/** zod brings the words of its errors in fifty languages; ours are English. */
const ENGLISH: Plugin = {
  name: 'english',
  setup: (bundling) => {
    bundling.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** The AWS SDK goes in: what runs is what the lockfile names, and what was tested. */
const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  minify: true,
  keepNames: true,
  mainFields: ['module', 'main'],
  banner: { js: BANNER },
  logLevel: 'warning',
  absWorkingDir: ROOT,
} as const satisfies BuildOptions;

export interface Bundle {
  readonly entry: string;
  readonly output: string;
}

export const bundles: readonly Bundle[] = [
  ...functionNames.map((name) => ({
    entry: `lambdas/functions/${name}.ts`,
    output: `lambdas/${name}/index.mjs`,
  })),
  // No part of the stack: it stands beside state machines (docs/orchestrators/step-functions.md).
  { entry: 'lambdas/functions/task.ts', output: 'lambdas/task/index.mjs' },
  { entry: 'fargate-proxy/main.ts', output: 'proxy/main.mjs' },
  { entry: 'fargate-proxy/protocols/postgres/shape-thread.ts', output: 'proxy/shape-thread.mjs' },
];

/** Writes them under `dist`; their sizes in bytes, by their outputs. */
export async function build(wanted: readonly Bundle[], dist: string): Promise<ReadonlyMap<string, number>> {
  const sizes: [string, number][] = [];
  for (const { entry, output } of wanted) {
    const outfile = join(dist, output);
    const { metafile } = await bundle({
      ...OPTIONS,
      plugins: [ENGLISH],
      entryPoints: [entry],
      outfile,
      metafile: true,
    });
    if (`${SQL_PARSER}.js` in metafile.inputs)
      copyFileSync(join(ROOT, `${SQL_PARSER}.wasm`), join(dirname(outfile), basename(`${SQL_PARSER}.wasm`)));
    sizes.push([output, statSync(outfile).size]);
  }
  // The proxy reads its version from beside its folder.
  mkdirSync(dist, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(dist, 'package.json'));
  writeFileSync(join(dist, basename(RDS_CERTIFICATES)), rdsCertificates(ownBundle()));
  return new Map(sizes);
}

/** A newer one than the package's, where somebody has downloaded it. */
function ownBundle(): string | undefined {
  const file = process.env['CUSTODY_RDS_BUNDLE'];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

if (import.meta.main) {
  for (const [output, bytes] of await build(bundles, join(ROOT, 'dist'))) {
    process.stdout.write(`${output.padEnd(32)} ${String(Math.ceil(bytes / 1024)).padStart(6)} KB\n`);
  }
}
