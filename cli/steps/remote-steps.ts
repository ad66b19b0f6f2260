import { CustodyError } from '#core/errors.ts';
import { READERS } from '#core/replay/readers.ts';
import { type Api, getSteps } from '../api.ts';
import type { ShownPage, ShownStep, StepPages } from './step-page.ts';

type Answered = Awaited<ReturnType<typeof getSteps>>;

/** A session's steps as the server gives them: it holds them against the evidence. */
export function remoteSteps(api: Api, id: string): StepPages {
  return {
    checkedBy: 'as the server checked it; custody verify checks it here',
    page: async (asked, limit) => {
      const answer = await getSteps(api, id, { ...asked, limit });
      return { ...answer, steps: answer.steps.map((step) => shownStep(step, answer)) };
    },
  };
}

/** A server may say anything: what is shown is a step of the protocol, or nothing. */
function shownStep(given: Answered['steps'][number], { protocol }: Pick<ShownPage, 'protocol'>): ShownStep {
  const reader = READERS.get(protocol);
  if (reader === undefined)
    throw new CustodyError('unsupported', `steps of ${protocol} cannot be shown by this custody`, {
      hint: 'use a newer one',
    });
  const { number, marks, ...step } = given;
  const parsed = reader.shape.safeParse(step);
  if (parsed.success) return { number, marks, json: parsed.data };
  throw new CustodyError('format-invalid', `the server's step ${number} is none of ${protocol}`, {
    hint: 'use the custody that belongs to the server',
  });
}
