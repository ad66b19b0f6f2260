import type { ClientEnv } from '../clients/kit.ts';

/** Variables of ours, and of what our tokens come from: an agent has none of them but those that it is given. */
const OURS =
  /^(?:CUSTODY_.*|PG[A-Z]+|ACTIONS_ID_TOKEN_REQUEST_(?:URL|TOKEN)|AWS_WEB_IDENTITY_TOKEN_FILE|GIT_SSH_(?:COMMAND|VARIANT)|RSYNC_RSH|ANSIBLE_SSH_ARGS|ANSIBLE_INVENTORY|SSH_AUTH_SOCK|KUBECONFIG|HELM_KUBE[A-Z_]+)$/;

/** For `spawn`, over this process' own: what is taken away is undefined. */
export function agentEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  given: ClientEnv,
): ClientEnv {
  const taken = Object.keys(env)
    .filter((name) => OURS.test(name))
    .map((name) => [name, undefined] as const);
  return { ...Object.fromEntries(taken), ...given };
}
