import type { StatusPorts } from '#lambdas/status/handler.ts';
import { MemoryAccess } from './memory-access.ts';
import { MemoryLeases } from './memory-leases.ts';
import { MemoryQueue } from './memory-ledger.ts';
import { MemoryIndex } from './memory-ports.ts';
import { MemoryPulses } from './memory-pulses.ts';

/** For an API of a gateway that has no task, no session and nothing to say. */
export function noHealth(): Pick<StatusPorts, 'sessions' | 'presence' | 'leases' | 'pulses' | 'queue'> {
  return {
    sessions: new MemoryIndex(),
    presence: new MemoryAccess(),
    leases: new MemoryLeases(),
    pulses: new MemoryPulses(),
    queue: new MemoryQueue(),
  };
}
