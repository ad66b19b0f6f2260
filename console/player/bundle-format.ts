/** What stands in a bundle's page besides the player. Nobody signed it: what counts is in the evidence. */
export interface BundleManifest {
  readonly format: 1;
  /** RFC 3339, UTC. */
  readonly madeAt: string;
  /** Who exported it, as they are known there; absent where the evidence was a folder of theirs. */
  readonly madeBy?: string;
  /** By what the gateway knows the evidence: its session. */
  readonly reference: string;
  /** The version of custody that made it. */
  readonly custody: string;
  /** SHA-256 of the player's script, by which it can be compared with one built from the sources. */
  readonly player: string;
  /** `inside`: as base64 in elements `evidence-0`, …; `beside`: as files of the folder `evidence`. */
  readonly evidence: 'inside' | 'beside';
  readonly files: readonly BundleFile[];
  readonly readme: string;
}

export interface BundleFile {
  readonly name: string;
  readonly bytes: number;
}

export const MANIFEST_ID = 'custody-bundle';

export function evidenceId(at: number): string {
  return `evidence-${at}`;
}
