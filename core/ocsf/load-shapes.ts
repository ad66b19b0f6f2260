/** Who says what the steps of which protocol are. */
import { postgresEvent } from '../replay/postgres/ocsf.ts';
import { sshEvent } from '../replay/ssh/ocsf.ts';
import type { StepShapeOf } from './step-shape.ts';

export const STEP_SHAPES: ReadonlyMap<string, StepShapeOf> = new Map([
  ['postgres', postgresEvent],
  ['ssh', sshEvent],
]);
