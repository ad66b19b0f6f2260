/** What of others is inside the package: a list for machines, and their licences. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './places.ts';

interface Component {
  /** Name and version. */
  readonly 'bom-ref': string;
}

interface Bom {
  readonly metadata: { readonly timestamp: string; readonly component: object };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/**
 * CycloneDX, as npm writes it of the lockfile, of those packages alone whose code is inside. Without a number and a date of its own: the same
 * sources give the same list.
 */
export function billOfMaterials(packages: readonly string[]): string {
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx'];
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  if (status !== 0) throw new Error(`npm sbom: ${stderr}`);
  const { serialNumber: _number, ...bom } = JSON.parse(stdout) as Bom & { readonly serialNumber: string };
  const { timestamp: _now, component, ...about } = bom.metadata;
  // npm names it after the folder that the clone is in.
  const metadata = { ...about, component: { ...component, name: manifestOf('.').name } };
  const inside = new Set(packages.map((place) => referenceOf(manifestOf(place))));
  const components = bom.components.filter((component) => inside.has(component['bom-ref']));
  if (components.length < inside.size) throw new Error(`npm knows ${components.length} of ${inside.size}`);
  const dependencies = bom.dependencies
    .filter(({ ref }) => inside.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => inside.has(other)) }));
  return `${JSON.stringify({ ...bom, metadata, components, dependencies }, undefined, 1)}\n`;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

function manifestOf(place: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, place, 'package.json'), 'utf8')) as Manifest;
}

const referenceOf = ({ name, version }: Manifest): string => `${name}@${version}`;

const LICENCE = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i;

/** The texts that those packages come with. */
export function licencesOf(packages: readonly string[]): string {
  return packages.map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`);
}

function licenceOf(place: string): string {
  const folder = join(ROOT, place);
  const manifest = manifestOf(place);
  const files = readdirSync(folder).filter((name) => LICENCE.test(name));
  const texts = files.sort().map((name) => readFileSync(join(folder, name), 'utf8').trim());
  return [`${referenceOf(manifest)} (${manifest.license ?? 'see below'})`, ...texts, ''].join('\n\n');
}
