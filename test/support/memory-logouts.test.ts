import { logoutsContract } from '#test/contract/logouts.ts';
import { MemoryLogouts } from './memory-logouts.ts';

logoutsContract('memory', () => {
  const logouts = new MemoryLogouts();
  return { logouts, watch: logouts };
});
