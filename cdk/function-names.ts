/** The functions of every stack, each bundled from `lambdas/functions/<name>.ts`. */
export const functionNames = [
  'authorizer',
  'access',
  'replay',
  'scim',
  'logout',
  'ssh',
  'sealer',
  'settler',
  'indexer',
  'sequencer',
  'notifier',
  'sandbox',
] as const;

/** Only where the API serves the console itself. */
export const CONSOLE_FUNCTION = 'console';

export type StandingFunction = (typeof functionNames)[number];
export type FunctionName = StandingFunction | typeof CONSOLE_FUNCTION;

/** Who runs: each has a role of its own. */
export type RoleName = 'proxy' | FunctionName;
