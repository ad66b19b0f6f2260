/** What stacks of one's own are made with. */
export { CustodyError } from '#core/errors.ts';
export { type DeploymentConfig, readDeploymentConfig } from './config.ts';
export { AccessGateway, type AccessGatewayProps } from './constructs/access-gateway.ts';
export type { ConsoleSettings } from './constructs/console/settings.ts';
export type { TaskSettings } from './constructs/proxy-service.ts';
export { GatewayStack, type GatewayStackProps } from './gateway-stack.ts';
export type { RecordingSettings } from './retention.ts';
export type { KubernetesTarget } from './targets/kubernetes/target.ts';
export type { PostgresTarget } from './targets/postgres/target.ts';
export type { SshTarget } from './targets/ssh/target.ts';
