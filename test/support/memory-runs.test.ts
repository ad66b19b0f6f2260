import { runStoreContract } from '#test/contract/runs-store.ts';
import { MemoryRuns } from './memory-runs.ts';

runStoreContract('memory', async () => new MemoryRuns());
