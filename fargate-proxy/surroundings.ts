/** What a gateway needs from where it runs: a laptop's folder or an AWS account. main.ts alone chooses. */
import type { Config, Target } from '#core/access/config.ts';
import type { Presence } from '#core/access/presence.ts';
import type { AccessCatalog, AccessOutbox, AccessRequests, Terminations } from '#core/access/store.ts';
import type { DeviceBook, RevokedDevices } from '#core/identity/devices/store.ts';
import type { NewestLogouts } from '#core/identity/logouts.ts';
import type { ScimDirectory, ScimMarks } from '#core/identity/scim/store.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type { Sequencer } from '#core/ledger/sequencer.ts';
import type { DeliveryIntake } from '#core/notify/deliveries.ts';
import type { CancelWishes } from '#core/protocols/cancel-wishes.ts';
import type { SecretReference } from '#core/protocols/protocol.ts';
import type { HostKeys, ToldHostKeys } from '#core/protocols/ssh/host-keys.ts';
import type { SshPublicKey } from '#core/protocols/ssh/keys/public-key.ts';
import type { TaskLeases } from '#core/recording/leases.ts';
import type { Signer } from '#core/recording/ports.ts';
import type { RecorderPorts } from '#core/recording/recorder.ts';
import type { Sealing } from '#core/recording/seal.ts';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import type { Pulses } from '#core/status/pulse.ts';
import type { RunOutbox, RunOutputs, Runs } from '#core/tasks/store.ts';
import type { CertificatePair } from './certificate.ts';
import type { Upkept } from './upkeep.ts';

/** A configuration as it is written now, and when that was. */
export interface WrittenConfig {
  readonly config: Config;
  readonly changedAt: Date;
}

/** For the relay's thread. */
export interface RelaySurroundings {
  /** Rejects with `config-invalid`. */
  readonly readConfig: () => Promise<WrittenConfig>;
  /** How often a changed configuration is looked for, milliseconds. */
  readonly configEveryMs: number;
  /** What clients see: a certificate that they verify. */
  readonly certificate: () => Promise<CertificatePair>;
  readonly requests: AccessRequests & AccessCatalog & AccessOutbox;
  /** As `requests`, for a look at all live grants twice a second. */
  readonly watched: Pick<AccessRequests, 'get'>;
  readonly terminations: Pick<Terminations, 'asked'>;
  /** Who watches sessions that run only while somebody does. */
  readonly presence: Presence;
  /** Runs that sessions are tasks of: read and added to, and never started here. */
  readonly runs: Runs & RunOutbox & { readonly outputs: Pick<RunOutputs, 'get'> };
  /** Where targets are that were made. */
  readonly sandboxes: Pick<SandboxStore, 'get' | 'present'>;
  readonly logouts: NewestLogouts;
  /** As `logouts`, for a look at all live sessions twice a second. */
  readonly watchedLogouts: NewestLogouts;
  /** Keys that people registered. */
  readonly devices: DeviceBook & RevokedDevices;
  /** As `devices`, for a look at all live sessions twice a second. */
  readonly watchedDevices: RevokedDevices;
  /** What directories told of people and groups. */
  readonly directory: ScimMarks & Pick<ScimDirectory, 'find' | 'page'>;
  readonly leaves: LeafSink;
  readonly deliveries: DeliveryIntake;
  /** Where a task says how it is. */
  readonly pulses: Pick<Pulses, 'tell'>;
  /** A credential of the target, as its protocol refers to it. Rejects with a clear error when it cannot be had. */
  readonly secretOf: (target: Target, reference: SecretReference) => Promise<string>;
  /** The credential for an issuer's directory of groups. Rejects with a clear error when it cannot be had. */
  readonly directorySecret: (place: {
    readonly secret?: string | undefined;
    readonly secretFile?: string | undefined;
  }) => Promise<string>;
  /** Absent where SSH cannot be spoken. */
  readonly ssh?: SshSurroundings;
  /** Where several tasks stand behind one address. */
  readonly cancelWishes?: CancelWishes;
  /** What a task does beside its sessions, where something looks after tasks. */
  readonly keepUp?: (task: Upkept) => Promise<void>;
}

/** What SSH needs of where it is spoken. */
export interface SshSurroundings {
  /** What clients know the gateway by. */
  readonly hostKeys: HostKeys;
  readonly toldHostKeys: ToldHostKeys;
  /** Whose certificates of people are believed. */
  readonly userCas: () => Promise<readonly SshPublicKey[]>;
  /** Signs the certificates with which the gateway logs in at targets; another key than that for people. */
  readonly targetCa?: Signer;
}

/** For the recorder's thread. */
export interface RecorderSurroundings {
  readonly ports: Omit<RecorderPorts, 'lease'>;
  readonly leases: TaskLeases;
  /** What earlier tasks left, where nobody else seals it. */
  readonly earlier: Sealing;
  /** Tries again what of it could not be sealed. */
  readonly sealEarlier?: () => Promise<Sealing>;
  /** Where nobody else moves leaves into the ledger. */
  readonly sequencer?: Sequencer;
  /** At an orderly end, once nothing more is recorded. Without it the next start does the same. */
  readonly finish?: () => Promise<void>;
}

/** For the parent of several gateway processes. */
export interface ParentSurroundings {
  /** Whether the parent has to look after what its processes leave: nobody else seals it, or moves leaves into the ledger. */
  readonly keeps: boolean;
  /** What a task does beside its sessions, where something looks after tasks. */
  readonly keepUp?: (task: Upkept) => Promise<void>;
}

/** For the parent's thread that looks after what its processes leave. */
export interface KeeperSurroundings {
  /** What earlier tasks left. */
  readonly earlier: Sealing;
  /** Tasks of which something could not be sealed. */
  readonly left: ReadonlySet<string>;
  /** Seals what these tasks left, which are gone, sees to it that they never continue, and clears up behind them. */
  readonly sealTasks: (tasks: ReadonlySet<string>) => Promise<Sealing>;
  readonly sequencer: Sequencer;
}
