import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Folders that are a protocol's own, and what names it as a word: its prose, its identifiers and its settings. */
const PROTOCOLS = {
  postgres: /postgres|libpq|\bpsql\b|\bpg_|\bPG[A-Z]+\b/i,
  ssh: /(?<![a-z])(?:open)?ssh(?!own)|\bsftp\b|\bscp\b/i,
  kubernetes: /kubernetes|kubectl|kubeconfig|\bkube-|\beks\b/i,
} as const;
type Protocol = keyof typeof PROTOCOLS;

/** A part of the gateway that knows no protocol must not learn one by accident. */
const PARTS = ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cdk', 'local', 'cli'];

/** What is a protocol's own, wherever it stands. */
const OWN: Readonly<Record<Protocol, RegExp>> = {
  postgres: /\/(?:postgres|database)\/|\/(?:postgres|libpq|rds)[a-z-]*\.ts$/,
  ssh: /\/(?:ssh|ssh-certificates|devices)\/|\/(?:ssh|device)[a-z-]*\.ts$/,
  kubernetes: /\/kubernetes\/|\/(?:kube|eks)[a-z-]*\.ts$/,
};

/**
 * Files that name a protocol all the same, by why they do. One that no longer does has to leave the list: it gets longer only in
 * sight of a reviewer.
 */
const ALLOWED: Readonly<Record<string, Readonly<Record<Protocol, readonly string[]>>>> = {
  'the lists of protocols': {
    postgres: [
      'cdk/index.ts',
      'cdk/targets/listeners.ts',
      'cdk/targets/taken-roles.ts',
      'cli/clients/kits.ts',
      'cli/doctor/looks.ts',
      'cli/rerun/rerunners.ts',
      'core/ocsf/load-shapes.ts',
      'core/protocols/protocols.ts',
      'core/protocols/command-parts.ts',
      'core/protocols/schemas.ts',
      'core/protocols/shapes.ts',
      'core/replay/load-facts.ts',
      'core/replay/export/load-exports.ts',
      'core/replay/redact/load-columns.ts',
      'core/replay/readers.ts',
      'fargate-proxy/doorways.ts',
      'fargate-proxy/entries.ts',
    ],
    ssh: [
      'cdk/index.ts',
      'cdk/targets/listeners.ts',
      'cdk/targets/taken-roles.ts',
      'cli/clients/kits.ts',
      'cli/doctor/looks.ts',
      'cli/rerun/rerunners.ts',
      'core/ocsf/load-shapes.ts',
      'core/protocols/protocols.ts',
      'core/protocols/command-parts.ts',
      'core/protocols/schemas.ts',
      'core/protocols/shapes.ts',
      'core/replay/load-facts.ts',
      'core/replay/load-pieces.ts',
      'core/replay/readers.ts',
      'fargate-proxy/doorways.ts',
      'fargate-proxy/entries.ts',
    ],
    kubernetes: [
      'cdk/index.ts',
      'cdk/targets/listeners.ts',
      'cdk/targets/taken-roles.ts',
      'cli/clients/kits.ts',
      'cli/doctor/looks.ts',
      'core/ocsf/load-shapes.ts',
      'core/protocols/command-parts.ts',
      'core/protocols/protocols.ts',
      'core/protocols/schemas.ts',
      'core/protocols/shapes.ts',
      'core/replay/load-facts.ts',
      'core/replay/load-pieces.ts',
      'core/replay/readers.ts',
      'fargate-proxy/doorways.ts',
      'fargate-proxy/entries.ts',
    ],
  },
  "OCSF's own names of classes": {
    postgres: [],
    ssh: ['cdk/event-tables.ts', 'core/ocsf/classes.ts', 'core/ocsf/step-event.ts'],
    kubernetes: [],
  },
  'what puts a process, the stack or the demo together': {
    postgres: [
      'cdk/artifacts.ts',
      'cdk/bundle.ts',
      'cdk/constructs/access-gateway.ts',
      'cdk/gateway-stack.ts',
      'cli/doctor/aws/checks.ts',
      'cli/init/custody-yaml.ts',
      'cli/init/next-steps.ts',
      'cli/init/register.ts',
      'cli/preflight/preflight.ts',
      'fargate-proxy/gateway-process.ts',
      'lambdas/functions/access.ts',
      'lambdas/functions/task.ts',
      'local/api/api-server.ts',
      'local/main.ts',
      'local/setup/addresses.ts',
      'local/setup/certificates.ts',
      'local/setup/demo-config.ts',
      'local/setup/ports.ts',
      'local/setup/settings.ts',
      'local/setup/welcome.ts',
    ],
    ssh: [
      'cdk/changes/watched.ts',
      'cdk/constructs/access-gateway.ts',
      'cdk/gateway-stack.ts',
      'cli/main.ts',
      'fargate-proxy/gateway-process.ts',
      'fargate-proxy/on-aws.ts',
      'fargate-proxy/on-laptop/relay.ts',
      'lambdas/functions/access.ts',
      'local/api/api-server.ts',
      'local/api/control-plane-options.ts',
      'local/api/control-plane.ts',
      'local/main.ts',
      'local/setup/addresses.ts',
      'local/setup/demo-config.ts',
      'local/setup/ports.ts',
      'local/setup/settings.ts',
      'local/setup/welcome.ts',
    ],
    kubernetes: [
      'cdk/constructs/access-gateway.ts',
      'cdk/gateway-stack.ts',
      'cli/init/init-certificate.ts',
      'cli/preflight/gateway-certificate.ts',
      'cli/preflight/preflight.ts',
      'cli/main.ts',
      'lambdas/functions/access.ts',
      'local/api/api-server.ts',
      'local/api/control-plane-options.ts',
      'local/api/control-plane.ts',
      'local/main.ts',
      'local/setup/addresses.ts',
      'local/setup/demo-config.ts',
      'local/setup/ports.ts',
      'local/setup/settings.ts',
      'local/setup/welcome.ts',
    ],
  },
  'names of settings, routes and functions': {
    postgres: [],
    ssh: [
      'adapters/aws/env.ts',
      'cdk/config.ts',
      'cdk/constructs/api.ts',
      'cdk/constructs/functions.ts',
      'cdk/environment.ts',
      'cdk/function-names.ts',
      'cdk/permissions.ts',
      'cdk/routes.ts',
      'cdk/table-actions.ts',
      'core/access/config.ts',
      'core/access/schema.ts',
      'fargate-proxy/settings.ts',
      'fargate-proxy/surroundings.ts',
      'lambdas/openapi.ts',
      'local/supervisor/gateway-process.ts',
    ],
    kubernetes: [
      'adapters/aws/env.ts',
      'adapters/aws/target-credentials.ts',
      'cdk/config.ts',
      'cdk/environment.ts',
      'core/protocols/protocol.ts',
      'fargate-proxy/settings.ts',
      'local/supervisor/gateway-process.ts',
    ],
  },
  'identities that come as SSH certificates, and keys whose fingerprints are in its form': {
    postgres: [],
    ssh: [
      'core/identity/credential.ts',
      'core/identity/key-fingerprint.ts',
      'core/identity/told-standing.ts',
      'core/ledger/leaf.ts',
      'core/ledger/leaves.ts',
      'fargate-proxy/admission.ts',
      'lambdas/caller.ts',
    ],
    kubernetes: [],
  },
  'words for people': {
    postgres: [
      'cdk/config-folder.ts',
      'cli/clients/device-certificate.ts',
      'cli/clients/kit.ts',
      'cli/clients/kubernetes.ts',
      'cli/clients/ssh.ts',
      'cli/commands/agent.ts',
      'cli/commands/connect.ts',
      'cli/commands/env.ts',
      'cli/commands/run-task.ts',
      'fargate-proxy/watches.ts',
    ],
    ssh: [
      'cli/agent/environment.ts',
      'cli/commands/connect.ts',
      'cli/commands/login.ts',
      'cli/commands/logout.ts',
      'cli/commands/run-task.ts',
    ],
    kubernetes: [
      'cli/agent/environment.ts',
      'cli/commands/connect.ts',
      'cli/commands/login.ts',
      'cli/commands/run-task.ts',
      'cli/workload/workload-token.ts',
    ],
  },
};

/** Code alone: a comment may give an example. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

const files = PARTS.flatMap((part) => globSync(`${part}/**/*.ts`)).filter((file) => !file.endsWith('.d.ts'));

describe.each(Object.keys(PROTOCOLS) as Protocol[])('the word %s', (protocol) => {
  const naming = files
    .filter((file) => !OWN[protocol].test(`/${file}`))
    .filter((file) => PROTOCOLS[protocol].test(codeOf(readFileSync(file, 'utf8'))))
    .toSorted();

  it('stands in its own folders, in the lists of protocols, and where a reviewer agreed to it', () => {
    const allowed = Object.values(ALLOWED).flatMap((files) => files[protocol]);
    expect(naming).toEqual(allowed.toSorted());
  });
});
