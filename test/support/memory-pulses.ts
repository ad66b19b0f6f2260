import type { Pulse, Pulses } from '#core/status/pulse.ts';

/** Pulses in memory. */
export class MemoryPulses implements Pulses {
  readonly #pulses = new Map<string, Pulse>();

  async tell(pulse: Pulse): Promise<void> {
    this.#pulses.set(pulse.process, structuredClone(pulse));
  }

  async since(time: Date): Promise<readonly Pulse[]> {
    return [...this.#pulses.values()].filter(({ at }) => at >= time);
  }
}
