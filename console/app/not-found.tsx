import { Empty } from '../parts/states.tsx';

export function NotFound() {
  return (
    <Empty title="There is no such page">
      <p>
        The address may be incomplete. Go on with <a href="/requests">requests</a> or{' '}
        <a href="/sessions">sessions</a>.
      </p>
    </Empty>
  );
}
