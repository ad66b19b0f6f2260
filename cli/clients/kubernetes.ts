import { CustodyError } from '#core/errors.ts';
import type { ClientKit } from './kit.ts';

/** kubectl, and whatever else reads a kubeconfig. */
export const kubernetesKit: ClientKit = {
  usual: 'kubectl',
  env: refused,
  prepare: refused,
  open: refused,
};

async function refused(): Promise<never> {
  throw new CustodyError('unsupported', 'this custody cannot set up kubectl yet');
}
