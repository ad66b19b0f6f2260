import { CustodyError } from '#core/errors.ts';
import { type Api, getTargets } from './api.ts';
import type { Target } from './api-shapes.ts';

/** The target of that name. Rejects with `target-unknown`. */
export async function knownTarget(api: Api, name: string): Promise<Target> {
  const targets = await getTargets(api);
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  const names = targets.map((target) => target.name).join(', ');
  throw new CustodyError('target-unknown', `there is no target ${name} that you may connect to`, {
    hint: names === '' ? 'you may not connect to any' : `there are: ${names}`,
  });
}
