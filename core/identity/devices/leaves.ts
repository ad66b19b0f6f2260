import { personOf } from '../../access/person.ts';
import type { Leaf } from '../../ledger/leaf.ts';
import type { Device, DeviceStep } from './device.ts';

/** The ledger's leaf of a device's registration (0) or of one of its steps (from 1): the same always, whoever enters it. */
export function deviceLeaf(device: Device, number: number): Leaf {
  if (number > 0) return stepLeaf(device, device.steps[number - 1]!);
  const { id, owner, kept, registeredAt, needsApproval } = device;
  return {
    type: 'custody/leaf/1',
    kind: 'device-registered',
    at: registeredAt,
    device: id,
    by: personOf(owner),
    fido: kept.fido,
    attested: kept.attested,
    approval: needsApproval,
  };
}

function stepLeaf({ id }: Device, step: DeviceStep): Leaf {
  const base = { type: 'custody/leaf/1', at: step.at, device: id, by: personOf(step.by) } as const;
  switch (step.kind) {
    case 'approved':
      return { ...base, kind: 'device-approved', last: step.last };
    case 'revoked':
      return { ...base, kind: 'device-revoked' };
  }
}
