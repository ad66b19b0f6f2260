import type { Config } from '#core/access/config.ts';
import { requireAcknowledgement } from './config.ts';

export interface RecordingSettings {
  /** The bucket's default, and the ledger's. */
  readonly lock: 'governance' | 'compliance';
  readonly lockDays: number;
  readonly ledgerDays: number;
  /** Somebody knows that nobody can lift a compliance lock. */
  readonly acknowledgeCompliance: boolean;
  /** Who may lift governance locks, delete and end legal holds; nobody when not given. */
  readonly breakGlassRoleArn?: string;
}

const DAY_MS = 86_400_000;

/** Throws `config-invalid` for a target, or a default, with a lock that nobody said to know. */
export function requireAcknowledgedLocks({ targets }: Config, settings: RecordingSettings): void {
  const { lock, acknowledgeCompliance } = settings;
  if (lock === 'compliance') requireAcknowledgement(acknowledgeCompliance, 'recordings.lock');
  for (const { name, recording } of targets.values()) {
    if (recording.retention.lock === 'compliance')
      requireAcknowledgement(acknowledgeCompliance, `custody.yaml: targets.${name}.recording.retention.lock`);
  }
}

/** The longest that anything under `sessions/` is locked. */
export function longestDays({ targets }: Config, { lockDays }: RecordingSettings): number {
  const kept = [...targets.values()].map(({ recording }) => Math.ceil(recording.retention.keep / DAY_MS));
  return Math.max(lockDays, ...kept);
}
