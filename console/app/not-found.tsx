export function NotFound() {
  return (
    <section class="empty">
      <h1>There is no such page</h1>
      <p>
        The address may be incomplete. Go on with <a href="/requests">requests</a> or{' '}
        <a href="/sessions">sessions</a>.
      </p>
    </section>
  );
}
