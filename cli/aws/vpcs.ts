import { type Ask, foundOr } from './ask.ts';

interface Tag {
  readonly Key?: string;
  readonly Value?: string;
}

/** Of `aws ec2 describe-vpcs`, what is looked at. */
export interface Vpc {
  readonly VpcId: string;
  readonly CidrBlock?: string;
  readonly CidrBlockAssociationSet?: readonly { readonly CidrBlock?: string }[];
  readonly IsDefault?: boolean;
  readonly Tags?: readonly Tag[];
}

/** Those of the region. */
export async function vpcsOf(ask: Ask): Promise<readonly Vpc[]> {
  return foundOr(await ask<{ readonly Vpcs: readonly Vpc[] }>('ec2', 'describe-vpcs'), { Vpcs: [] }).Vpcs;
}

export function networksOf({ CidrBlockAssociationSet = [], CidrBlock }: Vpc): string[] {
  const all = CidrBlockAssociationSet.flatMap((one) => one.CidrBlock ?? []);
  return all.length > 0 ? all : [CidrBlock ?? '10.0.0.0/8'];
}

export function nameOf({ VpcId, Tags = [], IsDefault }: Vpc): string {
  const name = Tags.find(({ Key }) => Key === 'Name')?.Value ?? (IsDefault ? 'the default VPC' : undefined);
  return name === undefined ? VpcId : `${VpcId} (${name})`;
}
