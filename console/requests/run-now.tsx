import type { AccessRequest } from '../api/types.ts';
import { Copy } from '../parts/copy.tsx';
import { useWho } from '../signin/context.ts';
import { connectLines } from './connect-lines.ts';
import { isSame } from './inbox.ts';

/** For whom it was granted: what to run now. */
export function RunNow({ request }: { readonly request: AccessRequest }) {
  const isOwn = isSame(request.requester, useWho());
  const { state, target: name, protocol, deviation } = request;
  if (!isOwn || state !== 'granted' || protocol === undefined || deviation !== undefined) return null;
  return (
    <section class="card run-now">
      <h2>What to run now</h2>
      <p class="hint">In a shell with the command custody, signed in by: custody login.</p>
      <ConnectLines lines={connectLines({ name, protocol }, request)} />
    </section>
  );
}

export function ConnectLines({ lines }: { readonly lines: ReturnType<typeof connectLines> }) {
  return (
    <dl class="connect-lines">
      {lines.map(({ what, line }) => (
        <div key={what}>
          <dt>{what}</dt>
          <dd>
            <code>{line}</code>
            <Copy text={line} what={`command for ${what}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
