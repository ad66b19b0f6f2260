import type { DeploymentConfig } from '#cdk/config.ts';
import type { Config, Target } from '#core/access/config.ts';
import { asCustodyError } from '#core/errors.ts';
import { protocolOf } from '#core/protocols/protocols.ts';
import type { Ask } from '../aws/ask.ts';
import { describeSecret, secretText } from '../aws/secrets.ts';
import { bad, type Finding, good } from '../findings/finding.ts';
import { keyFindings } from './keys.ts';

/** A secret that the deployment names, with where, and how its text is looked at. */
export interface Named {
  readonly about: string;
  readonly id: string;
  /** In cdk.json, where a key of one's own encrypts it. */
  readonly keyArn?: string | undefined;
  /** Rejects, or gives findings, where the text is of no use. */
  readonly look?: (text: string) => readonly Finding[];
}

/** All secrets of custody.yaml: there, in this region, with a text that can be used, under a key that the gateway may use. */
export async function secretFindings(
  settings: DeploymentConfig,
  config: Config,
  ask: Ask,
): Promise<readonly Finding[]> {
  const all = [
    ...ofTargets(settings, config),
    ...ofWebhooks(settings, config),
    ...ofIssuers(settings, config),
  ];
  return (await Promise.all(all.map((one) => namedSecret(one, settings, ask)))).flat();
}

/** Its text is looked at and never shown. */
export async function namedSecret(
  { about, id, keyArn, look }: Named,
  { region }: DeploymentConfig,
  ask: Ask,
): Promise<readonly Finding[]> {
  const elsewhere = /^arn:[^:]+:secretsmanager:([^:]+):/.exec(id)?.[1];
  if (region !== undefined && elsewhere !== undefined && elsewhere !== region) {
    const todo = `make it in ${region}, or replicate it there: aws secretsmanager replicate-secret-to-regions`;
    return [bad(about, `it is in ${elsewhere}, and the deployment in ${region}`, { todo })];
  }
  const found = await secretText(ask, id);
  if ('mistake' in found)
    return [bad(about, found.mistake, { todo: `make it: aws secretsmanager create-secret --name ${id}` })];
  const wrong = [...(look?.(found.text) ?? []), ...(await keyOf(about, id, keyArn, ask))];
  return wrong.length > 0 ? wrong : [good(about, 'there, and can be used')];
}

async function keyOf(
  about: string,
  id: string,
  keyArn: string | undefined,
  ask: Ask,
): Promise<readonly Finding[]> {
  const described = await describeSecret(ask, id);
  if ('refused' in described) return [];
  return keyFindings(about, described.found.KmsKeyId, keyArn, ask);
}

function ofTargets({ targets, secretKeys }: DeploymentConfig, config: Config): Named[] {
  return [...config.targets.values()].flatMap((target) =>
    protocolOf(target)
      .secrets(target)
      .flatMap((held) => {
        // One that a role of another account reads is not to be seen from here.
        if (held.kind !== 'secret' || held.role !== undefined) return [];
        const about = `targets.${target.name}: the secret ${held.secret}`;
        const keyArn = targets[target.name]?.secretKeyArn ?? secretKeys[held.secret];
        return [
          { about, id: held.secret, keyArn, look: (text: string) => unusable(target, held, about, text) },
        ];
      }),
  );
}

type Held = Parameters<ReturnType<typeof protocolOf>['refuseUnusable']>[0];

function unusable(target: Target, held: Held, about: string, text: string): readonly Finding[] {
  try {
    protocolOf(target).refuseUnusable(held, text);
    return [];
  } catch (thrown) {
    const { message, hint } = asCustodyError(thrown);
    return [bad(about, message, hint === undefined ? {} : { todo: hint })];
  }
}

function ofWebhooks({ secretKeys }: DeploymentConfig, { webhooks }: Config): Named[] {
  return webhooks.flatMap(({ name, secret }) =>
    secret === undefined
      ? []
      : [{ about: `webhooks ${name}: the secret ${secret}`, id: secret, keyArn: secretKeys[secret] }],
  );
}

function ofIssuers({ secretKeys }: DeploymentConfig, { issuers }: Config): Named[] {
  return issuers.flatMap(({ name, scim, directory }) =>
    [scim?.secret, directory?.secret]
      .filter((secret) => secret !== undefined)
      .map((id) => ({ about: `identity ${name}: the secret ${id}`, id, keyArn: secretKeys[id] })),
  );
}
