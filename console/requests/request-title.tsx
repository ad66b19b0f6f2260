import type { Person } from '../api/types.ts';
import { personText } from '../parts/person.tsx';
import { shown } from '../parts/text.ts';

interface TitleProps {
  readonly of: { readonly id: string; readonly requester: Person; readonly target: string };
}

/** Who wants what, in a row of a list: it leads to the request's page. */
export function RequestTitle({ of: { id, requester, target } }: TitleProps) {
  return (
    <h3>
      <a href={`/requests/${id}`} data-item>
        {personText(requester)} <span class="request-arrow">→</span> {shown(target)}
      </a>
    </h3>
  );
}
