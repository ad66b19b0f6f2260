import { execFileSync } from 'node:child_process';
import type { TestProject } from 'vitest/node';
import { ROOT } from '#pack/places.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The package, as `npm run pack` made it of this clone. */
    readonly tarball: string;
  }
}

/** Made once for all tests of it. */
export default function pack(project: TestProject): void {
  const said = execFileSync('npm', ['run', '--silent', 'pack'], { cwd: ROOT, encoding: 'utf8' });
  project.provide('tarball', said.trim().split('\n').at(-1)!);
}
