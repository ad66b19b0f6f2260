import { deliveriesContract } from '#test/contract/deliveries.ts';
import { MemoryDeliveries } from '#test/support/memory-deliveries.ts';

deliveriesContract('memory', () => {
  const deliveries = new MemoryDeliveries();
  return () => deliveries;
});
