import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Whether what `.ci/proof-tools` installs is on this machine; where clients are required it has to be. */
export function hasProofTools(): boolean {
  try {
    execFileSync(proofTool('in-toto-verify'), ['--version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write(
      'LEFT OUT: tests that need in-toto, OpenLineage and OpenTelemetry (.ci/proof-tools)\n',
    );
    return false;
  }
}

/** What a Python program of those tools says of this JSON, on its standard output; throws with its words when it fails. */
export function askPython(program: string, json: unknown, ...more: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(proofTool('python'), ['-c', program, ...more], {
    input: JSON.stringify(json),
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}

/** A command of `.ci/proof-tools`. */
export function proofTool(name: 'python' | 'in-toto-verify'): string {
  const folder = process.env['CUSTODY_PROOF_TOOLS'];
  return folder === undefined ? name : join(folder, name);
}
