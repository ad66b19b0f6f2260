import { pulsesContract } from '#test/contract/pulses.ts';
import { MemoryPulses } from './memory-pulses.ts';

pulsesContract('memory', () => {
  const shared = new MemoryPulses();
  return () => shared;
});
