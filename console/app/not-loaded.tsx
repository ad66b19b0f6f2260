/** After another version of the console was put in place, pages of this one may be gone. */
export function NotLoaded() {
  return (
    <section class="failure" role="alert">
      <h1>This page cannot be loaded</h1>
      <p>
        Either the network is gone, or another version of the console is in its place: then it has to be
        loaded again, and asks you to sign in. You come back to this page.
      </p>
      <button type="button" onClick={() => location.reload()}>
        Load the console again
      </button>
    </section>
  );
}
