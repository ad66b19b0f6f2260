import type { SandboxMaker } from '#core/sandboxes/ports.ts';
import type { GatewayAddress } from '#lambdas/targets/handler.ts';

export interface ControlPlaneOptions {
  readonly dataDir: string;
  readonly port: number;
  /** How often custody.yaml is looked at; each second when not given. */
  readonly configMs?: number;
  readonly gateway: GatewayAddress;
  /** Where the gateway speaks SSH. */
  readonly ssh?: { readonly host: string; readonly port: number };
  /** Where the gateway speaks Kubernetes; nowhere when not given. */
  readonly kubernetes?: GatewayAddress;
  /** What makes sandboxes of the demo's targets; nothing does when not given. */
  readonly sandboxes?: SandboxMaker;
  readonly say: (line: string) => void;
}
