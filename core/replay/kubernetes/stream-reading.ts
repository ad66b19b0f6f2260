import type { KubernetesStep } from './step.ts';
import type { Speaker } from './tape.ts';

/** Makes steps of what passes after an upgrade. Never throws for what the bytes are; keeps a bounded amount. */
export interface StreamReading {
  /** In the order of time of both directions, cut anywhere. */
  take(from: Speaker, bytes: Uint8Array, at: number): KubernetesStep[];
  /** Steps that take longer to find; asked after each frame, and with `wholly` before `end`. */
  settle?(wholly: boolean): Promise<KubernetesStep[]>;
  /** Steps that are left, and what the step of the call has of it. */
  end(at: number): { readonly steps: readonly KubernetesStep[]; readonly fields: Partial<KubernetesStep> };
}
