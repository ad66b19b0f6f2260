/** The console as files: one page, scripts and styles whose names change with what is in them. */
import { basename } from 'node:path';
import { build, type Metafile, type OutputFile } from 'esbuild';
import { ASSETS, INDEX } from './addresses.ts';
import { BROWSER } from './browser.ts';
import { SQL_ALIAS, SQL_PARSER } from './sql-parser.ts';

export interface ConsoleFile {
  /** Where it is served, with its slash: `/assets/main-ABCDEFGH.js`. */
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Its name says what is in it: it may be kept for ever. */
  readonly isImmutable: boolean;
}

/** A script, with what it imports. */
export interface ConsolePart {
  readonly path: string;
  /** What it was made of, where something imports it by its name; otherwise several share what is in it. */
  readonly entry: string | undefined;
  readonly now: readonly string[];
  /** When it is used first. */
  readonly later: readonly string[];
}

export interface ConsoleBuild {
  readonly files: readonly ConsoleFile[];
  /** What is loaded before anything is shown: paths. */
  readonly atStart: readonly string[];
  /** The first is where all begins. */
  readonly parts: readonly ConsolePart[];
  /** What it was made of, packages' files among it. */
  readonly inputs: readonly string[];
}

const ENTRY = 'console/app/main.tsx';
/** Before the first paint: it has no parts in common with the rest, so that it is one plain script. */
const BEFORE = 'console/app/before.ts';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
};

/** The same bytes each time, for the same sources and lockfile. */
export async function buildConsole(): Promise<ConsoleBuild> {
  const before = await buildBefore();
  const { outputFiles, metafile } = await build({
    ...BROWSER,
    alias: { ...BROWSER.alias, ...SQL_ALIAS },
    plugins: [...BROWSER.plugins, SQL_PARSER],
    format: 'esm',
    splitting: true,
    entryPoints: [`./${ENTRY}`],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'file', '.wasm': 'file' },
    outdir: 'dist/console',
    write: false,
    metafile: true,
  });
  const [main, ...others] = partsOf(metafile);
  const style = addressOf(styleOf(metafile));
  const page: ConsoleFile = {
    path: INDEX,
    type: 'text/html; charset=utf-8',
    bytes: Buffer.from(pageOf({ before: before.path, script: main!.path, style })),
    isImmutable: false,
  };
  // Of an import that was found to be in vain there remains what it would load.
  const used = reachedFrom([main!.path], [main!, ...others], ({ now, later }) => [...now, ...later]);
  const parts = [main!, ...others].filter(({ path }) => used.has(path));
  const kept = outputFiles.map(asset).filter(({ path }) => !path.endsWith('.js') || used.has(path));
  const atStart = [before.path, ...reachedFrom([main!.path], parts, ({ now }) => now), style];
  const inputs = Object.keys(metafile.inputs);
  return { files: [page, before, ...kept], atStart, parts, inputs };
}

async function buildBefore(): Promise<ConsoleFile> {
  const { outputFiles } = await build({
    ...BROWSER,
    format: 'iife',
    // It waits for nothing, and uses nothing of node.
    inject: [],
    entryPoints: [`./${BEFORE}`],
    entryNames: '[name]-[hash]',
    outdir: 'dist/console',
    write: false,
  });
  return asset(outputFiles[0]!);
}

/** What a walk through the parts comes to, its beginnings among it. */
export function reachedFrom(
  beginnings: Iterable<string>,
  parts: readonly ConsolePart[],
  next: (part: ConsolePart) => readonly string[],
): ReadonlySet<string> {
  const byPath = new Map(parts.map((part) => [part.path, part]));
  const reached = new Set(beginnings);
  // A set gives what is added to it while it is gone through.
  for (const path of reached) for (const to of next(byPath.get(path)!)) reached.add(to);
  return reached;
}

function asset({ path, contents }: OutputFile): ConsoleFile {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`nobody said what type ${path} has`);
  return { path: addressOf(path), type, bytes: contents, isImmutable: true };
}

function addressOf(path: string): string {
  return `${ASSETS}${basename(path)}`;
}

function styleOf({ outputs }: Metafile): string {
  return Object.values(outputs).find(({ entryPoint }) => entryPoint === ENTRY)!.cssBundle!;
}

function partsOf({ outputs }: Metafile): ConsolePart[] {
  const scripts = Object.entries(outputs).filter(([path]) => path.endsWith('.js'));
  const parts = scripts.map(([path, { entryPoint, imports }]) => {
    const of = (wanted: string) =>
      imports.flatMap(({ path: to, kind }) => (kind === wanted ? [addressOf(to)] : []));
    return {
      path: addressOf(path),
      entry: entryPoint,
      now: of('import-statement'),
      later: of('dynamic-import'),
    };
  });
  return parts.sort((a, b) => Number(b.entry === ENTRY) - Number(a.entry === ENTRY));
}

interface Linked {
  readonly before: string;
  readonly script: string;
  readonly style: string;
}

function pageOf({ before, script, style }: Linked): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Custody</title>
<link rel="icon" href="data:,">
<script src="${before}"></script>
<link rel="stylesheet" href="${style}">
<script type="module" src="${script}"></script>
</head>
<body>
<div id="app"><noscript>The console of Custody is a script, which has to be allowed to run. The same is there for the command line: custody --help</noscript></div>
</body>
</html>
`;
}
