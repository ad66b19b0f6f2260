import type { Database } from '../aws/rds.ts';
import type { PlannedTarget } from './plan.ts';

/** Every database as a target, and its readers as a second one where that is wished. */
export function targetsOf(
  databases: readonly Database[],
  { readers, vpcId }: { readonly readers: boolean; readonly vpcId?: string | undefined },
): PlannedTarget[] {
  return databases.flatMap((one) => {
    const writer = targetOf(one, vpcId);
    return readers && one.readerHost !== undefined
      ? [writer, { ...writer, name: `${writer.name.slice(0, NAME_MAX - 7)}-reader`, host: one.readerHost }]
      : [writer];
  });
}

const NAME_MAX = 63;

/** As RDS names it, as far as a target may be called so. */
export function targetName(id: string): string {
  return (
    id
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]/g, '-')
      .replace(/^[^a-z0-9]+/, '')
      .slice(0, NAME_MAX) || 'database'
  );
}

function targetOf(one: Database, vpcId: string | undefined): PlannedTarget {
  const name = targetName(one.id);
  const { host, port, database, engine, resourceId } = one;
  const [group] = one.securityGroups;
  // A rule of another VPC's group can only be made once the two are peered.
  const isNear = one.vpcId === vpcId && vpcId !== undefined;
  return {
    ...{ name, host, port, database, engine, resourceId },
    login: one.takesIam ? { rdsIam: true } : { secret: `custody/${name}` },
    ...(isNear && group !== undefined ? { securityGroupId: group } : {}),
    notes: [
      ...(isNear
        ? []
        : [`it is in ${one.vpcId ?? 'another VPC'}: peer the two, then add its securityGroupId`]),
      ...(one.takesIam ? [] : ['IAM database authentication is off: the gateway logs in with a password']),
      ...(one.masterSecret === undefined
        ? []
        : [
            'RDS keeps the password of its master user in a secret, which is not used: the gateway would be that user',
          ]),
    ],
  };
}
