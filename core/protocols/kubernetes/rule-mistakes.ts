/** What no rule can mean by its part for Kubernetes, although each of its words is allowed. */
import type { CallPattern, KubernetesRule } from './schema.ts';
import { hasStrangeBraces, holesOf, REQUEST_KEY, SESSION_KEY } from './templates.ts';

interface Mistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export function kubernetesRuleMistakes({ as, calls = [], deny = [] }: KubernetesRule): readonly Mistake[] {
  return [
    ...(as === undefined ? [] : asMistakes(as)),
    ...calls.flatMap((pattern, i) => patternMistakes(pattern, ['calls', i])),
    ...deny.flatMap((pattern, i) => patternMistakes(pattern, ['deny', i])),
  ];
}

function asMistakes({ user, groups, extra }: NonNullable<KubernetesRule['as']>): Mistake[] {
  const given = user === undefined ? [] : [{ path: ['as', 'user'], text: user, many: false }];
  const all = [
    ...given,
    ...groups.map((text, i) => ({ path: ['as', 'groups', i], text, many: true })),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((text, i) => ({ path: ['as', 'extra', key, i], text, many: true })),
    ),
  ];
  return [...all.flatMap(templateMistakes), ...Object.keys(extra).flatMap(ownKey)];
}

interface Template {
  readonly path: readonly (string | number)[];
  readonly text: string;
  /** One for each group is meant. */
  readonly many: boolean;
}

function templateMistakes({ path, text, many }: Template): Mistake[] {
  const holes = holesOf(text);
  const found: string[] = [];
  if (hasStrangeBraces(text))
    found.push('has a brace that stands for nothing: {email}, {subject}, {issuer} and {groups} do');
  if (!many && holes.includes('groups')) found.push('is one user, and {groups} are many');
  // Whoever names a group at an issuer would choose a group of the cluster's own.
  if (holes.length > 0 && /^system:/i.test(text))
    found.push("would be one of the cluster's own (system:…): write it out");
  return found.map((message) => ({ path, message }));
}

function ownKey(key: string): Mistake[] {
  if (key !== SESSION_KEY && key !== REQUEST_KEY) return [];
  return [
    { path: ['as', 'extra', key], message: 'is always there, with the session and the number of the call' },
  ];
}

/** Verbs that no exec has. */
const NOT_EXEC = ['get', 'list', 'watch', 'read', 'delete', 'deletecollection'];

function patternMistakes(
  { commands, verbs, paths }: CallPattern,
  at: readonly (string | number)[],
): Mistake[] {
  const found: Mistake[] = [];
  const strange = paths?.findIndex((path) => !/^(?:\/|\*\*)/.test(path)) ?? -1;
  if (strange >= 0)
    found.push({
      path: [...at, 'paths', strange],
      message: 'expected a path such as /version or /openapi/**',
    });
  if (commands !== undefined && verbs?.every((verb) => NOT_EXEC.includes(verb)))
    found.push({ path: [...at, 'commands'], message: 'nothing runs by these verbs: exec is create' });
  return found;
}
