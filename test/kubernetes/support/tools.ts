import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export type KubectlVersion = '1.20' | '1.35' | '1.37';

/** The folder that `.ci/kubernetes` prints. What cannot be built or found is an error, never a test left out. */
export function kubernetesTools(): string {
  process.env['CUSTODY_KUBERNETES'] ??= execFileSync(root('.ci/kubernetes'), {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();
  return process.env['CUSTODY_KUBERNETES'];
}

/** A program of the folder. */
export function kubernetesTool(name: string): string {
  return join(kubernetesTools(), name);
}

/** A file of the project. */
export function root(file: string): string {
  return fileURLToPath(new URL(`../../../${file}`, import.meta.url));
}

/** Vitest's global setup: the workers find the folder in their environment. */
export default function setup(): void {
  kubernetesTools();
}
