import { replayReader } from '../reader.ts';
import { formatSshStep } from './format.ts';
import { sshStepJson, sshStepOf, sshStepShape } from './shape.ts';
import { SSH_LIMITS, SSH_PAGE_LIMITS } from './step.ts';
import { sshSteps } from './steps.ts';
import { sshTerminal } from './terminal-events.ts';

export const sshReader = replayReader({
  steps: (frames, extent, ending) =>
    sshSteps(frames, extent === 'page' ? SSH_PAGE_LIMITS : SSH_LIMITS, ending),
  format: (step) => formatSshStep(step),
  json: sshStepJson,
  shape: sshStepShape,
  version: 1,
  ofJson: sshStepOf,
  terminal: sshTerminal,
});
