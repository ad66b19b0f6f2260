/** What of a request's target names the cluster, and what is left for it. */
import { NAME } from '#core/access/names.ts';
import { CustodyError } from '#core/errors.ts';

export interface NamedCluster {
  readonly target: string;
  /** All that the client says before the API's own path: one session has one. */
  readonly prefix: string;
  /** The API's own path and query. */
  readonly rest: string;
  readonly task?: { readonly run: string; readonly task: string };
  readonly reason?: string;
  readonly ticket?: string;
}

const SEGMENT = '([^/?#]{1,1024})';
const PREFIX = new RegExp(
  `^/clusters/(${NAME})(?:/tasks/${SEGMENT}/${SEGMENT})?(?:/reason/${SEGMENT})?(?:/ticket/${SEGMENT})?(?=[/?]|$)`,
);

/** By its path, `/clusters/NAME/…`; undefined where that names none. Throws `format-invalid`. */
export function namedByPath(target: string): NamedCluster | undefined {
  const found = PREFIX.exec(target);
  if (found === null) return undefined;
  const [prefix, name, run, task, reason, ticket] = found;
  return {
    target: name!,
    prefix,
    rest: restOf(target.slice(prefix.length)),
    ...(run === undefined ? {} : { task: { run: decoded(run), task: decoded(task!) } }),
    ...(reason === undefined ? {} : { reason: decoded(reason) }),
    ...(ticket === undefined ? {} : { ticket: decoded(ticket) }),
  };
}

/** By the name that the connection was made to. */
export function namedByServer(target: string, asked: string): NamedCluster {
  return { target, prefix: '', rest: restOf(asked) };
}

function restOf(rest: string): string {
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new CustodyError('format-invalid', 'the address of the cluster has a broken percent-encoding', {
      hint: 'write the kubeconfig anew: custody kubeconfig',
    });
  }
}
