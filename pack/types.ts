/** The types of the library: a declaration for each source that its first file leads to, and for no other. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { ROOT } from './places.ts';

export const TYPES = 'types';
const FIRST = 'cdk/index';
const IMPORT = /(?:from|import\()\s*["']([^"']+)["']/g;

/** Writes them; resolves with the packages that they name, which whoever checks types has to have. */
export function writeTypes(into: string): ReadonlySet<string> {
  const made = mkdtempSync(join(tmpdir(), 'custody-types-'));
  try {
    compile(made);
    const packages = new Set<string>();
    const wanted = new Set([FIRST]);
    // A set gives what is added to it while it is gone through.
    for (const file of wanted)
      for (const specifier of importsIn(join(made, `${file}.d.ts`))) {
        const next = sourceOf(file, specifier);
        if (next === undefined) packages.add(packageOf(specifier));
        else wanted.add(next);
      }
    for (const file of wanted) cpSync(join(made, `${file}.d.ts`), join(into, TYPES, `${file}.d.ts`));
    return packages;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

function compile(outDir: string): void {
  const settings = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      ...{ noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: ROOT, outDir },
      typeRoots: [join(ROOT, 'node_modules', '@types')],
    },
    // What packages without types of their own are said to be.
    include: [join(ROOT, 'core', '**', '*.d.ts')],
    files: [join(ROOT, `${FIRST}.ts`)],
  };
  const project = join(outDir, 'tsconfig.json');
  writeFileSync(project, JSON.stringify(settings));
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', project], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the types cannot be made:\n${stdout}`);
}

function importsIn(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, specifier]) => specifier!);
}

/** Of an import of ours; undefined for a package. */
function sourceOf(from: string, specifier: string): string | undefined {
  const path = specifier.startsWith('.')
    ? posix.join(posix.dirname(from), specifier)
    : specifier.replace(/^#proxy\//, 'fargate-proxy/').replace(/^#/, '');
  return path === specifier ? undefined : path.replace(/\.ts$/, '');
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
