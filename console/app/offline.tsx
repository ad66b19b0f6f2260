import { useEffect, useState } from 'preact/hooks';

/** Says so for as long as there is no network: what is shown is of before. */
export function Offline() {
  const [isOnline, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const look = (): void => setOnline(navigator.onLine);
    addEventListener('online', look);
    addEventListener('offline', look);
    return () => {
      removeEventListener('online', look);
      removeEventListener('offline', look);
    };
  }, []);
  return (
    <div role="status">
      {!isOnline && (
        <p class="offline">There is no network: what you see is from before, and nothing can be sent.</p>
      )}
    </div>
  );
}
