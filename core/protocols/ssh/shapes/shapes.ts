import { CustodyError } from '#core/errors.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';

/** The shapes of command lines. */
export const sshShapes: CommandShapes = {
  declare: notYet,
  render: notYet,
  write: notYet,
  executions: notYet,
};

function notYet(): never {
  throw new CustodyError('unsupported', 'not built yet');
}
