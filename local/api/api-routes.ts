import { openApiDocument } from '#lambdas/openapi.ts';

/** An operation of the API, as API Gateway would route to it. */
export interface Route {
  /** `POST /v1/requests/{id}/decisions`. */
  readonly key: string;
  readonly template: string;
  readonly method: string;
  /** False where anybody may call, and where a secret of another kind is asked for. */
  readonly needsToken: boolean;
}

export interface Routed {
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly routes: readonly Route[];
}

/** `{proxy}` takes the rest of a path, as API Gateway's `{proxy+}` does. */
const GREEDY = '{proxy}';

/** Finds what a path stands for, in the document that describes the API. */
export function apiRouter(): (path: string) => Routed | undefined {
  const table = Object.entries(openApiDocument().paths ?? {}).map(([template, item]) => {
    const routes = Object.entries(item).map(([method, { security }]: [string, { security?: unknown[] }]) => ({
      key: `${method.toUpperCase()} ${template}`,
      template,
      method: method.toUpperCase(),
      needsToken: security === undefined,
    }));
    return { template, routes, pattern: patternOf(template) };
  });
  return (path) => {
    for (const { template, routes, pattern } of table) {
      const match = pattern.exec(path);
      if (match !== null) return { template, routes, parameters: decoded(match.groups ?? {}) };
    }
    return undefined;
  };
}

function patternOf(template: string): RegExp {
  const escaped = template.replaceAll('.', '\\.');
  const greedy = escaped.replace(GREEDY, '(?<proxy>.+)');
  return new RegExp(`^${greedy.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function decoded(groups: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decode(text)]));
}

/** What cannot be decoded stands for nothing that there is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
