import { CustodyError } from '#core/errors.ts';
import type { CommandShapes } from '#core/tasks/shapes.ts';

/** What contracts know of calls. */
export const kubernetesShapes: CommandShapes = {
  declare: refused,
  render: refused,
  write: refused,
  executions: refused,
};

function refused(): never {
  throw new CustodyError('unsupported', 'contracts do not know calls of Kubernetes yet');
}
