import { leafPlacesContract } from '#test/contract/leaf-places.ts';
import { leafQueueContract } from '#test/contract/leaf-queue.ts';
import { ledgerHeadContract } from '#test/contract/ledger-head.ts';
import { MemoryHead, MemoryPlaces, MemoryQueue } from '#test/support/memory-ledger.ts';

ledgerHeadContract('memory', () => {
  const head = new MemoryHead();
  return () => head;
});
leafQueueContract('memory', () => {
  const queue = new MemoryQueue();
  return () => queue;
});

leafPlacesContract('memory', () => {
  const places = new MemoryPlaces();
  return () => places;
});
