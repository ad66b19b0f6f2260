import { REPLAY_LIMITS, type ReplayLimits } from '../step.ts';

const MESSAGE_MAX = 256 << 20;

/** What is taken away is whole, or said not to be: a message is read to its end, and a text is what was sent. */
export const EXPORT_LIMITS: ReplayLimits = {
  ...REPLAY_LIMITS,
  message: MESSAGE_MAX,
  memory: 2 * MESSAGE_MAX,
  text: MESSAGE_MAX,
  value: MESSAGE_MAX,
};
