import type { CarriedProtocol } from '../carried.ts';
import { type ReplayReader, replayReader } from '../reader.ts';
import { kubernetesFormat } from './format.ts';
import { kubernetesStepJson, kubernetesStepOf, kubernetesStepShape } from './shape.ts';
import { KUBERNETES_LIMITS, KUBERNETES_PAGE_LIMITS } from './step.ts';
import { kubernetesSteps } from './steps.ts';
import { kubernetesTerminal } from './terminal-events.ts';

/** `carries`: what forwarded connections are read as. */
export function kubernetesReader(carries: readonly CarriedProtocol[]): ReplayReader {
  return replayReader({
    steps: (frames, extent, ending) =>
      kubernetesSteps(
        frames,
        extent === 'page' ? KUBERNETES_PAGE_LIMITS : KUBERNETES_LIMITS,
        ending,
        carries,
      ),
    format: kubernetesFormat(carries),
    json: kubernetesStepJson,
    shape: kubernetesStepShape,
    version: 1,
    ofJson: kubernetesStepOf,
    terminal: kubernetesTerminal,
  });
}
