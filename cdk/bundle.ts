/** `npm run build`: each function, and the proxy, in a folder of dist. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { type BuildOptions, build as bundle, type Metafile, type Plugin } from 'esbuild';
import { buildSite } from './console-site.ts';
import { CONSOLE_FUNCTION, functionNames } from './function-names.ts';
import { RDS_CERTIFICATES, rdsCertificates } from './targets/postgres/rds-certificates.ts';

const ROOT = new URL('..', import.meta.url).pathname;

/** Packages that are CommonJS ask for `require` at run time, and where they are. */
const BANNER = [
  "import { createRequire as custodyRequire } from 'node:module';",
  'const require = custodyRequire(import.meta.url);',
  'const __dirname = import.meta.dirname;',
].join('\n');

/** The parser of SQL, which its package's script looks for beside itself. */
export const SQL_PARSER = 'node_modules/libpg-query/wasm/libpg-query';

/** zod brings the words of its errors in fifty languages; ours are English. */
const ENGLISH: Plugin = {
  name: 'english',
  setup: (bundling) => {
    bundling.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/** What every build for Node begins with. Packages go in: what runs is what the lockfile names, and what was tested. */
export const FOR_NODE = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  banner: { js: BANNER },
  plugins: [ENGLISH],
  outExtension: { '.js': '.mjs' },
  splitting: true,
  chunkNames: 'part-[hash]',
  metafile: true,
  logLevel: 'warning',
  absWorkingDir: ROOT,
} as const satisfies BuildOptions;

export interface Bundle {
  readonly entry: string;
  readonly output: string;
}

export const bundles: readonly Bundle[] = [
  ...[...functionNames, CONSOLE_FUNCTION].map((name) => ({
    entry: `lambdas/functions/${name}.ts`,
    output: `lambdas/${name}/index.mjs`,
  })),
  // No part of the stack: it stands beside state machines (docs/orchestrators/step-functions.md).
  { entry: 'lambdas/functions/task.ts', output: 'lambdas/task/index.mjs' },
  { entry: 'fargate-proxy/main.ts', output: 'proxy/main.mjs' },
  { entry: 'fargate-proxy/protocols/postgres/shape-thread.ts', output: 'proxy/shape-thread.mjs' },
];

/** Bytes of a bundle: what is loaded when it starts, and what only where it is needed, as the parser of SQL is where workflows are. */
export interface BundleSize {
  readonly atStart: number;
  readonly later: number;
}

/** Writes them under `dist`, into folders that hold nothing else; their sizes, by their outputs. `went`: the files that went in. */
export async function build(
  wanted: readonly Bundle[],
  dist: string,
  went: (inputs: readonly string[]) => void = () => undefined,
): Promise<ReadonlyMap<string, BundleSize>> {
  const sizes = new Map<string, BundleSize>();
  for (const [folder, ofFolder] of Map.groupBy(wanted, ({ output }) => dirname(output))) {
    const outdir = join(dist, folder);
    rmSync(outdir, { recursive: true, force: true });
    const parts = await bundleTogether(ofFolder, outdir);
    const entries = ofFolder.map(({ output }) => relative(ROOT, join(dist, output)));
    const used = reachable(entries, parts, EVER);
    // Of a module that nobody uses there remains what it would import.
    for (const part of Object.keys(parts)) if (!used.has(part)) rmSync(join(ROOT, part));
    went([...used].flatMap((part) => Object.keys(parts[part]!.inputs)));
    if ([...used].some((part) => `${SQL_PARSER}.js` in parts[part]!.inputs))
      copyFileSync(join(ROOT, `${SQL_PARSER}.wasm`), join(outdir, basename(`${SQL_PARSER}.wasm`)));
    for (const [at, { output }] of ofFolder.entries()) sizes.set(output, sizeOf(entries[at]!, parts));
  }
  // The proxy reads its version from beside its folder.
  mkdirSync(dist, { recursive: true });
  copyFileSync(join(ROOT, 'package.json'), join(dist, 'package.json'));
  writeFileSync(join(dist, basename(RDS_CERTIFICATES)), rdsCertificates(ownBundle()));
  return sizes;
}

type Parts = Metafile['outputs'];

/** What is imported at run time alone is a file of its own beside them. */
async function bundleTogether(wanted: readonly Bundle[], outdir: string): Promise<Parts> {
  const { metafile } = await bundle({
    ...FOR_NODE,
    minify: true,
    keepNames: true,
    entryPoints: wanted.map(({ entry, output }) => ({ in: entry, out: basename(output, '.mjs') })),
    outdir,
  });
  return metafile.outputs;
}

const AT_START = ['import-statement'];
const EVER = [...AT_START, 'dynamic-import'];

function reachable(entries: readonly string[], parts: Parts, kinds: readonly string[]): ReadonlySet<string> {
  const found = new Set(entries);
  // A set gives what is added to it while it is gone through.
  for (const part of found)
    for (const { path, kind, external } of parts[part]!.imports)
      if (external !== true && kinds.includes(kind)) found.add(path);
  return found;
}

function sizeOf(entry: string, parts: Parts): BundleSize {
  const bytes = (kinds: readonly string[]): number =>
    [...reachable([entry], parts, kinds)].reduce((sum, part) => sum + parts[part]!.bytes, 0);
  return { atStart: bytes(AT_START), later: bytes(EVER) - bytes(AT_START) };
}

/** A newer one than the package's, where somebody has downloaded it. */
function ownBundle(): string | undefined {
  const file = process.env['CUSTODY_RDS_BUNDLE'];
  return file === undefined ? undefined : readFileSync(file, 'utf8');
}

/** Which packages are in what `npm run build` made: a file of `dist`, for the list of what the package has inside. */
export const INSIDE = 'packages.json';

/** The folders of packages that files are of, without what is twice. */
export function packagesOf(files: readonly string[]): string[] {
  const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;
  return [...new Set(files.flatMap((file) => folder.exec(file)?.[0] ?? []))].sort();
}

if (import.meta.main) {
  const dist = join(ROOT, 'dist');
  const inputs: string[] = [];
  const kilobytes = (bytes: number): string => `${String(Math.ceil(bytes / 1024)).padStart(6)} KB`;
  for (const [output, { atStart, later }] of await build(bundles, dist, (more) => inputs.push(...more))) {
    const more = later === 0 ? '' : `, ${kilobytes(later)} where needed`;
    process.stdout.write(`${output.padEnd(32)} ${kilobytes(atStart)}${more}\n`);
  }
  inputs.push(...(await buildSite(dist)));
  writeFileSync(join(dist, INSIDE), JSON.stringify(packagesOf(inputs)));
}
