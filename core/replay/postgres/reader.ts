import { replayReader } from '../reader.ts';
import { formatStep } from './format.ts';
import { postgresStepJson, postgresStepOf, postgresStepShape } from './shape.ts';
import { REPLAY_LIMITS, type ReplayLimits } from './step.ts';
import { postgresSteps } from './steps.ts';

const PAGE: ReplayLimits = { ...REPLAY_LIMITS, text: 32 << 10, answer: 128 << 10, memory: 32 << 20 };

export const postgresReader = replayReader({
  steps: (frames, extent, ending) => postgresSteps(frames, extent === 'page' ? PAGE : REPLAY_LIMITS, ending),
  format: formatStep,
  json: postgresStepJson,
  shape: postgresStepShape,
  version: 1,
  ofJson: postgresStepOf,
});
