import { useEffect, useState } from 'preact/hooks';

/** As the shell has it. */
const NARROW = '(max-width: 48rem)';

/** A phone, or as narrow. */
export function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const list = matchMedia(NARROW);
    const look = (): void => setNarrow(list.matches);
    list.addEventListener('change', look);
    return () => list.removeEventListener('change', look);
  }, []);
  return isNarrow;
}
