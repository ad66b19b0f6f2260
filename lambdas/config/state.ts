import { configWarnings } from '#core/access/config-warnings.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import type { ConfigState } from './shapes.ts';

/** Which configuration is in force, since when, what it is taken with, and whether a newer one was refused. */
export function configState({ config, refused }: Pick<PolicyInForce, 'config' | 'refused'>): ConfigState {
  const { version, writtenAt } = config;
  return {
    version,
    ...(writtenAt === undefined ? {} : { since: writtenAt.toISOString() }),
    ...(refused === undefined
      ? {}
      : { refused: { since: refused.since.toISOString(), problem: refused.error.message } }),
    warnings: configWarnings(config),
  };
}
