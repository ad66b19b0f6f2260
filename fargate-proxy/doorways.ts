/** The protocols that a gateway speaks, and where. */
import { deviceLogins } from '#adapters/oidc/device-logins.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { CustodyError } from '#core/errors.ts';
import { loadAndTell } from '#core/protocols/ssh/host-keys.ts';
import type { Certificate } from './certificate.ts';
import type { Doorway } from './listener.ts';
import type { CancelKeys } from './protocols/postgres/cancel.ts';
import { postgresProtocol } from './protocols/postgres/postgres.ts';
import { sshProtocol } from './protocols/ssh/ssh.ts';
import type { Settings } from './settings.ts';
import type { RelaySurroundings } from './surroundings.ts';
import { streamBindings } from './wire/raw-end.ts';
import { RelayMemory } from './wire/relay-memory.ts';

export interface DoorwayParts {
  readonly settings: Settings;
  readonly surroundings: RelaySurroundings;
  readonly policy: PolicyInForce;
  readonly certificate: Certificate;
  readonly keys: CancelKeys;
  /** The file that a target's `ca: rds` means. */
  readonly rdsBundle: string | undefined;
}

/** Rejects where a protocol cannot be spoken that was asked for. */
export async function doorwaysOf(parts: DoorwayParts): Promise<readonly Doorway[]> {
  // Shared by all: one thread reads and passes on one piece at a time.
  const memory = { memory: new RelayMemory(), bindings: streamBindings() };
  const { host, port, sshPort } = parts.settings;
  const postgres = { protocol: speakPostgres(parts, memory), host, port };
  return sshPort === undefined
    ? [postgres]
    : [postgres, { protocol: await speakSsh(parts, memory), host, port: sshPort }];
}

interface Memory {
  readonly memory: RelayMemory;
  readonly bindings: ReturnType<typeof streamBindings>;
}

function speakPostgres({ policy, certificate, keys, rdsBundle }: DoorwayParts, memory: Memory) {
  return postgresProtocol({
    ...memory,
    tls: () => certificate.context,
    issuer: () => policy.config.issuers[0]!.issuer,
    keys,
    rdsBundle,
  });
}

async function speakSsh({ policy, surroundings: { hostKeys } }: DoorwayParts, memory: Memory) {
  if (hostKeys === undefined)
    throw new CustodyError('config-invalid', 'the gateway has no host keys, and cannot speak SSH', {
      hint: 'deploy the stack anew with an ssh target in custody.yaml, or leave CUSTODY_SSH_PORT out',
    });
  const kept = await loadAndTell(hostKeys.kept, hostKeys.told);
  return sshProtocol({
    ...memory,
    hostKeys: kept.map(({ key }) => ({ key })),
    now: () => performance.now(),
    wallClock: () => new Date(),
    userCas: () => [],
    deviceLogins: deviceLogins(
      () => policy.config.issuers,
      () => Date.now(),
    ),
  });
}
