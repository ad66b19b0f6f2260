import { accessStoreContract } from '#test/contract/access-store.ts';
import { MemoryAccess } from './memory-access.ts';

accessStoreContract('memory', async () => new MemoryAccess());
