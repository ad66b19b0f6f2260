import { useMemo } from 'preact/hooks';
import { SessionsApi } from '../api/sessions.ts';
import { useApi } from '../signin/context.ts';

export function useSessionsApi(): SessionsApi {
  const api = useApi();
  return useMemo(() => new SessionsApi(api), [api]);
}
