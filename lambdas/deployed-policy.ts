import type { PolicyInForce } from '#core/access/policy.ts';

/**
 * Whether custody.yaml is another than the one that was deployed, in force or refused: somebody wrote it who is not the deployment.
 * `deployed`: its version, which the stack tells; nothing is said where it does not.
 */
export function isOtherThanDeployed(
  { config, refused }: Pick<PolicyInForce, 'config' | 'refused'>,
  deployed: string | undefined,
): boolean {
  return deployed !== undefined && (config.version !== deployed || refused !== undefined);
}
