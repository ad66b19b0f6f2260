/** The protocols that a gateway speaks, and where. */
import type { Config, Rule } from '#core/access/config.ts';
import type { NewsStream } from '#core/access/news.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import { targetCertificate } from '#core/access/ssh-certificates/target-certificate.ts';
import { CustodyError } from '#core/errors.ts';
import type { DeviceLogins } from '#core/identity/device-login.ts';
import { judgeOf } from '#core/protocols/kubernetes/judge-of.ts';
import { loadAndTell } from '#core/protocols/ssh/host-keys.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import type { Certificate } from './certificate.ts';
import { entriesOf } from './entries.ts';
import type { Doorway } from './listener.ts';
import { RecordSpace } from './protocols/kubernetes/call-tape.ts';
import { kubernetesProtocol } from './protocols/kubernetes/kubernetes.ts';
import { tellingRefusals } from './protocols/kubernetes/refusals-told.ts';
import type { CancelKeys } from './protocols/postgres/cancel.ts';
import { seeingCommands } from './protocols/postgres/commands.ts';
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
  /** For news of what was refused. */
  readonly stream: NewsStream;
  /** Whose certificates of people are believed. */
  readonly userCas: readonly SshPublicKey[];
  readonly deviceLogins: DeviceLogins;
  /** The file that a target's `ca: rds` means. */
  readonly rdsBundle: string | undefined;
}

/** Rejects where a protocol cannot be spoken that was asked for. */
export async function doorwaysOf(parts: DoorwayParts): Promise<readonly Doorway[]> {
  // Shared by all: one thread reads and passes on one piece at a time.
  const memory = { memory: new RelayMemory(), bindings: streamBindings() };
  const speak = {
    postgres: speakPostgres,
    ssh: speakSsh,
    kubernetes: speakKubernetes,
  };
  const doorways: Doorway[] = [];
  for (const { protocol, host, port } of entriesOf(parts.settings))
    doorways.push({ protocol: await speak[protocol.name](parts, memory), host, port });
  return doorways;
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
    commands: seeingCommands(),
    rdsBundle,
  });
}

async function speakSsh({ policy, surroundings, userCas, deviceLogins }: DoorwayParts, memory: Memory) {
  const { ssh, devices } = surroundings;
  if (ssh === undefined) throw noSsh();
  const hostKeys = await loadAndTell(ssh.hostKeys, ssh.toldHostKeys);
  const { targetCa } = ssh;
  return sshProtocol({
    ...memory,
    hostKeys: hostKeys.map(({ key }) => ({ key })),
    now: () => performance.now(),
    wallClock: () => new Date(),
    userCas: () => userCas,
    devices: {
      wanted: () => policy.config.rules.some(asksForDevice),
      has: async (key) => (await devices.of(key)) !== undefined,
    },
    deviceLogins,
    targetCertificate: targetCa && ((login) => targetCertificate(login, targetCa)),
  });
}

function speakKubernetes({ settings, policy, certificate, stream }: DoorwayParts, memory: Memory) {
  return kubernetesProtocol({
    ...memory,
    space: new RecordSpace(),
    tls: () => certificate.context,
    targetOf: (serverName) => clusterNamed(policy.config, serverName),
    judgeOf: (parts) => tellingRefusals(judgeOf(parts), parts, { stream, wallClock: () => new Date() }),
    userTimeoutMs: settings.userTimeoutMs,
    wallClock: () => new Date(),
    after: (ms, over) => {
      const timer = setTimeout(over, ms).unref();
      return () => clearTimeout(timer);
    },
  });
}

function clusterNamed({ targets }: Config, serverName: string): string | undefined {
  for (const target of targets.values())
    if (target.protocol === 'kubernetes' && target.serverNames.includes(serverName)) return target.name;
  return undefined;
}

/** Whose certificates of people are believed; nobody's where SSH is not spoken. */
export async function userCasOf(
  { sshPort }: Settings,
  { ssh }: RelaySurroundings,
): Promise<readonly SshPublicKey[]> {
  return sshPort === undefined || ssh === undefined ? [] : ssh.userCas();
}

function noSsh(): CustodyError {
  return new CustodyError('config-invalid', 'the gateway has no host keys, and cannot speak SSH', {
    hint: 'deploy the stack anew with an ssh target in custody.yaml, or leave CUSTODY_SSH_PORT out',
  });
}

/** Where no rule does, nobody is asked for a signature that means nothing, and for the passphrase or the touch that it takes. */
function asksForDevice({ when, ssh }: Rule): boolean {
  return when?.device !== undefined || ssh?.touch !== undefined;
}
