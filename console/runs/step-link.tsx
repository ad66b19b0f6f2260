import { useLocation } from 'preact-iso';
import type { ComponentChildren, TargetedMouseEvent } from 'preact';
import type { Api } from '../api/client.ts';
import { useApi } from '../signin/context.ts';
import type { StepPlace } from './happened.ts';

interface StepLinkProps {
  readonly place: StepPlace;
  readonly children: ComponentChildren;
}

/**
 * To the step of a session that a result is about. A result has its time, and the page of the session takes its number, which is
 * asked for when somebody goes there: that is a look at the recording.
 */
export function StepLink({ place, children }: StepLinkProps) {
  const api = useApi();
  const { route } = useLocation();
  const go = async (event: TargetedMouseEvent<HTMLAnchorElement>): Promise<void> => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    route(await addressOf(api, place));
  };
  return (
    <a href={`/sessions/${place.session}`} onClick={(event) => void go(event)}>
      {children}
    </a>
  );
}

/** The session's page says what is wrong where its steps cannot be seen. */
async function addressOf(api: Api, { session, at }: StepPlace): Promise<string> {
  const page = `/sessions/${session}`;
  try {
    const query = { at: (at / 1e6).toFixed(6), limit: 1 };
    const { steps } = await api.get<StepNumbers>(`/v1/sessions/${session}/steps`, query);
    const number = steps[0]?.number;
    return number === undefined ? page : `${page}?step=${number}`;
  } catch {
    return page;
  }
}

interface StepNumbers {
  readonly steps: readonly { readonly number: number }[];
}
