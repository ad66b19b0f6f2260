/** `npm run pack`, after `npm run build`: the command, the construct and the image's files as one package that works without this clone. */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'esbuild';
import { INSIDE, packagesOf } from '../cdk/bundle.ts';
import { BROWSER } from '../console/build/browser.ts';
import { buildPlayer } from '../cli/bundle/player-build.ts';
import { billOfMaterials, licencesOf } from './inside.ts';
import { manifest } from './manifest.ts';
import { READ_FILES, ROOT } from './places.ts';
import { writeScripts } from './scripts.ts';
import { writeTypes } from './types.ts';

/** What `npm run build` made, and goes in as it is. */
const BUILT = ['dist/lambdas', 'dist/proxy', 'dist/console', 'dist/rds-ca.pem', 'dist/package.json'];
/** What people read, and begin with. */
const TEXTS = [
  'LICENSE',
  'CHANGELOG.md',
  'SECURITY.md',
  'ARCHITECTURE.md',
  'cdk/README.md',
  'cdk/example',
  'docs',
];
const IMAGE = ['fargate-proxy/Dockerfile'];
const LIST = 'sbom.cdx.json';
const LICENCES = 'THIRD-PARTY-LICENSES.txt';

/** Makes the folder of the package. Throws where `npm run build` has not been run. */
export async function stage(into: string, dist = join(ROOT, 'dist')): Promise<void> {
  if (!existsSync(join(dist, INSIDE))) throw new Error('build first: npm run build');
  rmSync(into, { recursive: true, force: true });
  mkdirSync(into, { recursive: true });
  const inputs = await writeScripts(into);
  for (const path of BUILT) cpSync(join(dist, '..', path), join(into, path), { recursive: true });
  for (const path of [...TEXTS, ...IMAGE, ...READ_FILES]) copy(path, into);
  const player = await writePlayer(into);
  const inBuilt = JSON.parse(readFileSync(join(dist, INSIDE), 'utf8')) as string[];
  const packages = packagesOf([...inputs, ...player, ...inBuilt.map((folder) => `${folder}/`)]);
  write(into, LIST, billOfMaterials(packages));
  write(into, LICENCES, licencesOf(packages));
  write(into, 'package.json', `${JSON.stringify(manifest(writeTypes(into)), undefined, 2)}\n`);
}

async function writePlayer(into: string): Promise<readonly string[]> {
  const inputs: string[] = [];
  const seen: Plugin = {
    name: 'seen',
    setup: (bundling) => bundling.onEnd(({ metafile }) => void inputs.push(...Object.keys(metafile!.inputs))),
  };
  const script = await buildPlayer({ metafile: true, plugins: [...BROWSER.plugins, seen] });
  write(into, 'dist/player.js', script);
  return inputs;
}

function copy(path: string, into: string): void {
  cpSync(join(ROOT, path), join(into, path), { recursive: true });
}

function write(into: string, path: string, text: string): void {
  mkdirSync(dirname(join(into, path)), { recursive: true });
  writeFileSync(join(into, path), text);
}

/** What `npm pack` makes of that folder; its file. */
export function pack(folder: string, into: string): string {
  const args = ['pack', '--silent', '--pack-destination', into];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`npm pack: ${stderr}`);
  return join(into, stdout.trim());
}

if (import.meta.main) {
  const dist = join(ROOT, 'dist');
  const folder = join(dist, 'package');
  await stage(folder);
  process.stdout.write(`${pack(folder, dist)}\n`);
}
