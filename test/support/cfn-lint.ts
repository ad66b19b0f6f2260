import { execFileSync, spawnSync } from 'node:child_process';

/** `CUSTODY_CFN_LINT`: where it is, when it is not on the path. */
const cfnLintCommand = (): string => process.env['CUSTODY_CFN_LINT'] ?? 'cfn-lint';

/** Whether cfn-lint is on this machine (pip install cfn-lint); where clients are required it has to be. */
export function hasCfnLint(): boolean {
  try {
    // Not run: it takes seconds to start.
    execFileSync('sh', ['-c', 'command -v "$0"', cfnLintCommand()], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write('LEFT OUT: tests that need cfn-lint (pip install cfn-lint)\n');
    return false;
  }
}

/**
 * What cfn-lint says about templates, a line for each finding, which begins with the file; none when it has nothing to say. All at once: to
 * start it takes most of its time. W3005: CDK names dependencies twice.
 */
export function cfnLint(files: readonly string[]): string[] {
  const args = ['-f', 'parseable', '-i', 'W3005', '-t', ...files];
  const said = spawnSync(cfnLintCommand(), args, { encoding: 'utf8' });
  if (said.error !== undefined) throw said.error;
  if (said.stderr !== '') throw new Error(said.stderr);
  return said.stdout.split('\n').filter(Boolean);
}
