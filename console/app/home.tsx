import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { AccessRequestPage } from '../api/types.ts';
import { useAnswer } from '../parts/answer.ts';
import { Loading } from '../parts/states.tsx';
import { useApi } from '../signin/context.ts';

/** What matters first: whatever waits for one's decision; else what happens. */
export function Home() {
  const { route } = useLocation();
  const api = useApi();
  const { value, problem } = useAnswer(
    (signal) => api.get<AccessRequestPage>('/v1/requests', { open: true }, signal),
    [],
  );
  useEffect(() => {
    if (value !== undefined) route(value.requests.some(isWaiting) ? '/requests' : '/sessions', true);
    else if (problem !== undefined) route('/sessions', true);
  }, [value, problem]);
  return <Loading what="what waits for you" />;
}

function isWaiting({ mayDecide, state, needsReview }: AccessRequestPage['requests'][number]): boolean {
  return mayDecide && (state === 'pending' || needsReview);
}
