import { localSandboxes } from '#adapters/local/sandboxes.ts';
import type { LeafSink } from '#core/ledger/leaves.ts';
import type { Running } from '../supervisor/running.ts';
import type { ControlPlaneOptions } from './control-plane-options.ts';
import { closing, newId, now, trouble } from './keeping.ts';
import { localSandboxKeeping, makesNone } from './sandboxes.ts';

export async function keepSandboxes(
  { dataDir, sandboxes: maker = makesNone, say }: ControlPlaneOptions,
  running: Running,
  leaves: LeafSink,
) {
  const sandboxes = await closing(running, localSandboxes(dataDir));
  const onTrouble = trouble('sandboxes cannot be looked after', say);
  const keeping = localSandboxKeeping({ sandboxes, maker, leaves, now, newId, onTrouble, say });
  await running.add(() => keeping.stop());
  return keeping;
}
