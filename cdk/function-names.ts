/** The functions, each bundled from `lambdas/functions/<name>.ts`. */
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

export type FunctionName = (typeof functionNames)[number];

/** Who runs: each has a role of its own. */
export type RoleName = 'proxy' | FunctionName;
