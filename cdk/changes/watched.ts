import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { GatewayApi } from '../constructs/api.ts';
import type { Events } from '../constructs/events.ts';
import type { EvidenceStore } from '../constructs/evidence-store.ts';
import type { Functions } from '../constructs/functions.ts';
import type { ProxyService } from '../constructs/proxy-service.ts';
import type { Signing } from '../constructs/signing.ts';
import type { Tables } from '../constructs/tables.ts';
import type { SshAuthorities } from '../targets/ssh/authorities.ts';
import type { Watched } from './patterns.ts';

/** All but what whoever watches knows itself. */
export type WatchedParts = Omit<Watched, 'rules' | 'topic' | 'stackName'> & {
  /** Rules that run functions. */
  readonly scheduled: readonly string[];
};

interface Parts {
  readonly dataKey: IKey;
  readonly signing: Signing;
  readonly ssh: SshAuthorities | undefined;
  readonly evidence: EvidenceStore;
  readonly events: Events;
  readonly tables: Tables;
  readonly functions: Functions;
  readonly service: ProxyService;
  readonly api: Pick<GatewayApi, 'id'>;
}

interface Others {
  readonly config: Pick<Bucket, 'bucketName'>;
  readonly proxy: IRole;
  readonly scheduled: readonly string[];
}

/** What of a gateway nobody changes unseen. */
export function watchedOf(gateway: Parts, { config, proxy, scheduled }: Others): WatchedParts {
  const { functions, tables, api } = gateway;
  const { service } = gateway.service;
  const keys = [gateway.dataKey, gateway.signing.key, ...(gateway.ssh?.keys ?? [])];
  const buckets = [gateway.evidence.bucket, config, gateway.events.bucket];
  return {
    keys: keys.map(({ keyId, keyArn }) => ({ id: keyId, arn: keyArn })),
    buckets: buckets.map(({ bucketName }) => bucketName),
    functions: Object.values(functions.byName).map(({ functionName }) => functionName),
    family: service.taskDefinition.family,
    service: service.serviceName,
    roles: [proxy, ...Object.values(functions.roles)].map(({ roleName }) => roleName),
    tables: Object.values(tables.byName).map(({ tableName }) => tableName),
    api: api.id,
    scheduled,
  };
}
