import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const CALLS = ['openSync', 'writeSync', 'linkSync', 'mkdirSync', 'renameSync', 'rmSync'] as const;
type Call = (typeof CALLS)[number];

/** Calls `before` ahead of each of node's synchronous calls that change a file system, whoever makes them. Returns what ends that. */
export function watchFileCalls(before: (call: Call, path: unknown) => void): () => void {
  const kept = CALLS.map((call) => [call, fs[call]] as const);
  for (const [call, real] of kept)
    replace(call, (...args: unknown[]) => {
      before(call, args[0]);
      return (real as (...args: unknown[]) => unknown)(...args);
    });
  syncBuiltinESMExports();
  return () => {
    for (const [call, real] of kept) replace(call, real);
    syncBuiltinESMExports();
  };
}

function replace(call: Call, by: unknown): void {
  (fs as unknown as Record<Call, unknown>)[call] = by;
}
