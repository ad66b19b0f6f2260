/** SQL that a script says: constants, comments, and what psql would read otherwise than it was sent. */

/** A text constant that means the same whatever standard_conforming_strings is. */
export function sqlConstant(text: string): string {
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

/** Lines of a comment: nothing in them ends it, and no control character acts on who reads it. */
export function comment(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => `-- ${line}`.trimEnd())
    .join('\n');
}

/** Names of common types by OID; others are inferred by the server, as they are where the client says none. */
const TYPES: ReadonlyMap<number, string> = new Map([
  [16, 'boolean'],
  [17, 'bytea'],
  [20, 'bigint'],
  [21, 'smallint'],
  [23, 'integer'],
  [25, 'text'],
  [26, 'oid'],
  [114, 'json'],
  [700, 'real'],
  [701, 'double precision'],
  [1042, 'character'],
  [1043, 'character varying'],
  [1082, 'date'],
  [1083, 'time'],
  [1114, 'timestamp'],
  [1184, 'timestamptz'],
  [1186, 'interval'],
  [1700, 'numeric'],
  [2950, 'uuid'],
  [3802, 'jsonb'],
]);

export function typeName(oid: number): string {
  return TYPES.get(oid) ?? 'unknown';
}
