import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Config, Target } from '#core/access/config.ts';
import { asCustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { DeploymentConfig } from './config.ts';
import { clusterMistakes, namesOfClusters } from './targets/kubernetes/preflight.ts';

/** A command of the AWS CLI. */
export type Aws = (...args: readonly string[]) => {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export interface PreflightPorts {
  readonly aws: Aws;
  readonly now: Date;
}

/**
 * What would make a first deployment fail, one line each, with what to do about it. Tasks that do not start take half an hour to be
 * given up, and their log goes with the rest.
 */
export function mistakesIn(settings: DeploymentConfig, config: Config, ports: PreflightPorts): string[] {
  const where = settings.region === undefined ? [] : ['--region', settings.region];
  const look = (...args: readonly string[]) => ports.aws(...args, ...where);
  const account = look('sts', 'get-caller-identity');
  if (account.code !== 0) return [`AWS does not know you: ${lastLine(account.stderr)}`];
  return [
    ...accountMistakes(settings, account.stdout),
    ...serviceRoleMistakes(look),
    ...certificateMistakes(settings, config, look, ports.now),
    ...secretMistakes(config, look),
    ...clusterMistakes(settings, config, ports.aws),
  ];
}

function accountMistakes({ account }: DeploymentConfig, said: string): string[] {
  const { Account } = JSON.parse(said) as { readonly Account: string };
  if (account === undefined || account === Account) return [];
  return [`cdk.json names the account ${account}, and you are in ${Account}: log in to the other one`];
}

/** ECS makes its role at the first use, and the first service of an account may come before that is known everywhere. */
function serviceRoleMistakes(look: Aws): string[] {
  const { code, stderr } = look('iam', 'get-role', '--role-name', 'AWSServiceRoleForECS');
  if (code === 0) return [];
  if (!stderr.includes('NoSuchEntity')) return [`the role of ECS cannot be looked up: ${lastLine(stderr)}`];
  return [
    'this account has never used ECS: aws iam create-service-linked-role --aws-service-name ecs.amazonaws.com',
  ];
}

function certificateMistakes(
  { gateway }: DeploymentConfig,
  { targets }: Config,
  look: Aws,
  now: Date,
): string[] {
  const name = `gateway.tlsSecret ${gateway.tlsSecret}`;
  const found = secretOf(gateway.tlsSecret, look);
  if ('mistake' in found) return [`${name}: ${found.mistake}`];
  const pair = pairOf(found.text);
  if (pair === undefined)
    return [`${name}: expected JSON {"cert": "…", "key": "…"}, both PEM, of which one cannot be read`];
  const { cert, key } = pair;
  return [
    ...(cert.checkPrivateKey(key) ? [] : [`${name}: its key is another certificate's`]),
    ...[gateway.hostname, ...namesOfClusters(targets)].flatMap((host) =>
      cert.checkHost(host) === undefined ? [`${name}: the certificate is not of ${host}`] : [],
    ),
    ...(cert.validToDate < now ? [`${name}: the certificate ended at ${cert.validTo}`] : []),
    ...(cert.validFromDate > now ? [`${name}: the certificate begins at ${cert.validFrom}`] : []),
  ];
}

function pairOf(text: string) {
  try {
    const { cert, key } = JSON.parse(text) as { readonly cert: string; readonly key: string };
    return { cert: new X509Certificate(cert), key: createPrivateKey(key) };
  } catch {
    return undefined;
  }
}

function secretMistakes({ targets, webhooks }: Config, look: Aws): string[] {
  const ofTargets = [...targets.values()].flatMap((target) => targetMistakes(target, look));
  const ofWebhooks = webhooks.flatMap(({ name, secret }) => {
    if (secret === undefined) return [];
    const found = secretOf(secret, look);
    return 'mistake' in found ? [`the webhook ${name} ${secret}: ${found.mistake}`] : [];
  });
  return [...ofTargets, ...ofWebhooks];
}

function targetMistakes(target: Target, look: Aws): string[] {
  const protocol = protocolOf(target);
  return protocol.secrets(target).flatMap((held) => {
    // One that a role of another account reads is not to be seen from here.
    if (held.kind !== 'secret' || held.role !== undefined) return [];
    const name = `targets.${target.name}: the secret ${held.secret}`;
    const found = secretOf(held.secret, look);
    if ('mistake' in found) return [`${name}: ${found.mistake}`];
    try {
      protocol.refuseUnusable(held, found.text);
      return [];
    } catch (thrown) {
      const { message, hint } = asCustodyError(thrown);
      return [`${name} ${message}${hint === undefined ? '' : `: ${hint}`}`];
    }
  });
}

/** Its text is looked at and never shown. */
function secretOf(id: string, look: Aws): { readonly text: string } | { readonly mistake: string } {
  const { code, stdout, stderr } = look('secretsmanager', 'get-secret-value', '--secret-id', id);
  if (code !== 0) return { mistake: lastLine(stderr) };
  const { SecretString } = JSON.parse(stdout) as { readonly SecretString?: string };
  if (SecretString === undefined || SecretString.trim() === '') return { mistake: 'it has no text' };
  return { text: SecretString };
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}
