/** Reading the parse tree's JSON: a member that is 0, false or '' may be left out of it. */

/** A node of it. */
export type Json = Readonly<Record<string, unknown>>;

export function numberIn(node: Json, name: string): number {
  const value = node[name];
  return typeof value === 'number' ? value : 0;
}

export function textIn(node: Json, name: string): string {
  const value = node[name];
  return typeof value === 'string' ? value : '';
}
