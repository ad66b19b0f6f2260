import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type DeploymentConfig, readDeploymentConfig } from '#cdk/config.ts';
import { readConfigFolder } from '#cdk/config-folder.ts';
import type { Config } from '#core/access/config.ts';
import { CustodyError } from '#core/errors.ts';
import { parseJson } from '#core/json.ts';

/** What is to be deployed: cdk.json of a folder, and the custody.yaml that it names. */
export interface Deployment {
  readonly settings: DeploymentConfig;
  readonly config: Config;
  /** With custody.yaml and certificates. */
  readonly folder: string;
}

/** Throws `config-invalid` where one of the two is not there or not good. */
export function readDeployment(folder: string): Deployment {
  const settings = readDeploymentConfig(contextOf(join(folder, 'cdk.json')));
  const configFolder = resolve(folder, settings.configFolder);
  return { settings, config: readConfigFolder(configFolder), folder: configFolder };
}

function contextOf(file: string): unknown {
  try {
    const { context = {} } = parseJson(readFileSync(file, 'utf8')) as { context?: Record<string, unknown> };
    return context['custody'];
  } catch (cause) {
    throw new CustodyError('config-invalid', `${file} cannot be read: ${(cause as Error).message}`, {
      hint: 'go to the folder with the settings of the deployment, or make one: custody init aws',
      cause,
    });
  }
}
