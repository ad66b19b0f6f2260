import { useRef } from 'preact/hooks';
import type { Status } from '../api/gateway.ts';
import { type Seen, seenIn, withLook } from './seen.ts';

/** Kept for as long as the page is open. */
export function useSeen(status: Status): Seen {
  const looks = useRef<readonly Status[]>([]);
  looks.current = withLook(looks.current, status);
  return seenIn(looks.current);
}
