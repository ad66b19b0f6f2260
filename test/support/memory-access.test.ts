import { accessStoreContract } from '#test/contract/access-store.ts';
import { presenceContract } from '#test/contract/presence.ts';
import { MemoryAccess } from './memory-access.ts';

accessStoreContract('memory', async () => new MemoryAccess());
presenceContract('memory', async () => new MemoryAccess());
