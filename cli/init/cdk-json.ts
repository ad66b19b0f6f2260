import { existsSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONFIG_FOLDER, type Plan, TLS_SECRET } from './plan.ts';

/** `context.custody`. */
export function settingsOf({ account, region, hostname, hostedZoneId, clients, vpcId, targets }: Plan) {
  const known = targets.map(({ name, securityGroupId, resourceId, login }) => {
    const entry = {
      ...(securityGroupId === undefined ? {} : { securityGroupId }),
      ...('rdsIam' in login ? { resourceId } : {}),
    };
    return [name, entry] as const;
  });
  return {
    configFolder: CONFIG_FOLDER,
    account,
    region,
    gateway: {
      ...{ hostname, tlsSecret: TLS_SECRET, clients },
      ...(hostedZoneId === undefined ? {} : { hostedZoneId }),
    },
    ...(vpcId === undefined ? {} : { network: { vpcId } }),
    targets: Object.fromEntries(known.filter(([, entry]) => Object.keys(entry).length > 0)),
  };
}

export function cdkJson(plan: Plan, folder: string): string {
  return `${JSON.stringify({ app: appFor(folder), context: { custody: settingsOf(plan) } }, undefined, 2)}\n`;
}

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
const OF_A_CLONE = join(PACKAGE, 'cdk', 'app.ts');

/** Of a clone its sources, of the package the program that it brings; without `--no`, npx would fetch whatever has its name. */
function appFor(folder: string): string {
  if (!existsSync(OF_A_CLONE)) return 'npx --no custody-cdk';
  return `node ${relative(realpathSync(folder), realpathSync(OF_A_CLONE))}`;
}
