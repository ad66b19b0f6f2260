import { execFileSync } from 'node:child_process';

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

/** What cfn-lint says about a template; empty when it has nothing to say. W3005: CDK names dependencies twice. */
export function cfnLint(file: string): string {
  try {
    return execFileSync(cfnLintCommand(), ['-i', 'W3005', '-t', file], { encoding: 'utf8' });
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? error);
  }
}
