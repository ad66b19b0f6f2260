import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubernetesBed } from './bed.ts';

export interface GatewayOptions {
  /** More of the target `cluster`, as YAML in braces without them: `withhold: [secrets]`. */
  readonly target?: string;
  /** Of the rule that lets developers in, instead of the usual `kubernetes:` part: `as: {…}, calls: […]`. */
  readonly kubernetes?: string;
  /** More of that rule: `approval: {…}`. */
  readonly rule?: string;
  /** Whole lines under `rules:`, two blanks before each. */
  readonly rules?: string;
  /** Whole lines at the top level. */
  readonly more?: string;
  /** Where the cluster is, when something stands in between. */
  readonly address?: string;
  /** The gateway's own: a token unless it is this. */
  readonly credential?: 'certificate';
  /** Of its process; by default it waits for no session when it is ended. */
  readonly args?: readonly string[];
  /** Of its node. */
  readonly nodeFlags?: readonly string[];
}

/** Developers are the cluster's developers, under their own address. */
export const AS_DEVELOPERS = 'as: { user: "{email}", groups: ["custody:{groups}"] }';

export function configText(bed: KubernetesBed, issuer: string, options: GatewayOptions): string {
  const { target, kubernetes = AS_DEVELOPERS, rule, rules = '', more = '', address } = options;
  const also = (part: string | undefined) => (part === undefined ? '' : `, ${part}`);
  const parts = [
    'protocol: kubernetes',
    `address: "${address ?? bed.url.replace('https://', '')}"`,
    `tls: { caFile: "${bed.caFile}" }`,
    `credential: { ${credentialOf(bed, options)} }`,
  ];
  return `version: 1
identity: [{ issuer: "${issuer}", audience: custody, groupsClaim: groups }]
targets:
  cluster: { ${parts.join(', ')}${also(target)} }
rules:
  - { name: developers-work, groups: [developers], targets: ["*"], allow: [connect], kubernetes: { ${kubernetes} }${also(rule)} }
${rules}
${more}
`;
}

function credentialOf(bed: KubernetesBed, { credential }: GatewayOptions): string {
  if (credential === undefined) return `tokenFile: "${bed.gatewayTokenFile}"`;
  const file = join(bed.folder, 'gateway-certificate.pem');
  writeFileSync(file, `${bed.gatewayCertificate.cert}\n${bed.gatewayCertificate.key}`, { mode: 0o600 });
  return `certificateFile: "${file}"`;
}
