import type { Explanation } from '../api/gateway.ts';
import { type Answer, useAnswer } from '../parts/answer.ts';
import { useApi } from '../signin/context.ts';

/** Asked beforehand, so that nobody is refused what the page need not ask for. */
export function useMayAdminister(): Answer<boolean> {
  const api = useApi();
  return useAnswer(async (signal) => {
    const { verdict } = await api.get<Explanation>('/v1/explanation', { action: 'administer' }, signal);
    return verdict === 'allowed';
  }, []);
}
