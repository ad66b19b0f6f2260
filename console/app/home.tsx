import { useEffect } from 'preact/hooks';
import { useLocation } from 'preact-iso';

/** What matters first: whatever waits for a decision. */
export function Home() {
  const { route } = useLocation();
  useEffect(() => route('/requests', true), []);
  return null;
}
