/** Who says what the steps of which protocol are. */
import { type CarriedShape, kubernetesEvent } from '../replay/kubernetes/ocsf.ts';
import { postgresEvent } from '../replay/postgres/ocsf.ts';
import { postgresReader } from '../replay/postgres/reader.ts';
import { sshEvent } from '../replay/ssh/ocsf.ts';
import type { StepShapeOf } from './step-shape.ts';

/** What a port-forward may carry. */
const CARRIED = new Map<string, CarriedShape>([
  ['postgres', { shapeOf: postgresEvent, read: (json) => postgresReader.ofJson(json) }],
]);

export const STEP_SHAPES: ReadonlyMap<string, StepShapeOf> = new Map([
  ['postgres', postgresEvent],
  ['ssh', sshEvent],
  ['kubernetes', kubernetesEvent(CARRIED)],
]);
