/** The console as files: one page, scripts and styles whose names change with what is in them. */
import { basename } from 'node:path';
import { build, type Metafile, type OutputFile } from 'esbuild';
import { BROWSER } from './browser.ts';

export interface ConsoleFile {
  /** Where it is served, with its slash: `/assets/main-ABCDEFGH.js`. */
  readonly path: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** Its name says what is in it: it may be kept for ever. */
  readonly isImmutable: boolean;
}

export interface ConsoleBuild {
  readonly files: readonly ConsoleFile[];
  /** What is loaded before anything is shown, and all else when it is used: paths. */
  readonly atStart: readonly string[];
}

/** The page, for every address of the console. */
export const INDEX = '/index.html';
/** Where everything else of it is. */
export const ASSETS = '/assets/';
const ENTRY = 'console/app/main.tsx';
/** Before the first paint: it has no parts in common with the rest, so that it is one plain script. */
const BEFORE = 'console/app/before.ts';

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The same bytes each time, for the same sources and lockfile. */
export async function buildConsole(): Promise<ConsoleBuild> {
  const before = await buildBefore();
  const { outputFiles, metafile } = await build({
    ...BROWSER,
    format: 'esm',
    splitting: true,
    entryPoints: [`./${ENTRY}`],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    loader: { '.svg': 'file' },
    outdir: 'dist/console',
    write: false,
    metafile: true,
  });
  const { script, style, atStart } = namesOf(metafile);
  const page: ConsoleFile = {
    path: INDEX,
    type: 'text/html; charset=utf-8',
    bytes: Buffer.from(pageOf({ before: before.path, script, style })),
    isImmutable: false,
  };
  return { files: [page, before, ...outputFiles.map(asset)], atStart: [before.path, ...atStart] };
}

async function buildBefore(): Promise<ConsoleFile> {
  const { outputFiles } = await build({
    ...BROWSER,
    format: 'iife',
    entryPoints: [`./${BEFORE}`],
    entryNames: '[name]-[hash]',
    outdir: 'dist/console',
    write: false,
  });
  return asset(outputFiles[0]!);
}

function asset({ path, contents }: OutputFile): ConsoleFile {
  const type = TYPES[path.slice(path.lastIndexOf('.') + 1)];
  if (type === undefined) throw new Error(`nobody said what type ${path} has`);
  return { path: addressOf(path), type, bytes: contents, isImmutable: true };
}

function addressOf(path: string): string {
  return `${ASSETS}${basename(path)}`;
}

/** The entry, its style, and what the entry imports by itself. */
function namesOf({ outputs }: Metafile) {
  const [script, entry] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === ENTRY)!;
  const reached = new Set([script]);
  for (const path of reached)
    for (const { path: to, kind } of outputs[path]!.imports) if (kind === 'import-statement') reached.add(to);
  const style = entry.cssBundle!;
  return {
    script: addressOf(script),
    style: addressOf(style),
    atStart: [...reached, style].map(addressOf),
  };
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
