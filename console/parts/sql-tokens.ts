/** SQL as PostgreSQL reads it, cut into pieces for the eye alone: whatever the text is, the pieces together are the text. */

export type SqlTokenKind = 'keyword' | 'string' | 'number' | 'comment' | 'parameter' | 'plain';

export interface SqlToken {
  readonly kind: SqlTokenKind;
  readonly text: string;
}

const KEYWORDS = new Set(
  `ALL ALTER ANALYZE AND ANY ARRAY AS ASC BEGIN BETWEEN BY CALL CASCADE CASE CAST CHECK CLOSE COLUMN COMMIT CONCURRENTLY CONFLICT
  CONSTRAINT COPY CREATE CROSS CURSOR DATABASE DEALLOCATE DECLARE DEFAULT DELETE DESC DISTINCT DO DROP ELSE END EXCEPT EXECUTE EXISTS
  EXPLAIN EXTENSION FALSE FETCH FILTER FOR FOREIGN FROM FULL FUNCTION GRANT GROUP HAVING ILIKE IN INDEX INNER INSERT INTERSECT INTO IS
  ISOLATION JOIN KEY LATERAL LEFT LIKE LIMIT LISTEN LOCK MATERIALIZED MERGE NATURAL NOT NOTHING NOTIFY NOWAIT NULL OFFSET ON ONLY OR
  ORDER OUTER OVER PARTITION PREPARE PRIMARY PROCEDURE REFERENCES REINDEX RELEASE RESET RETURNING REVOKE RIGHT ROLE ROLLBACK ROW ROWS
  SAVEPOINT SCHEMA SELECT SEQUENCE SET SHOW SIMILAR SKIP START STDIN STDOUT TABLE TEMP TEMPORARY THEN TO TRANSACTION TRIGGER TRUE
  TRUNCATE TYPE UNION UNIQUE UNLOGGED UPDATE USING VACUUM VALUES VIEW WHEN WHERE WINDOW WITH WORK`.split(
    /\s+/,
  ),
);

/** The first of a longer text is coloured. Nobody reads further by colours. */
export const COLOURED_MAX = 20_000;

const PIECE = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/)?)`,
    String.raw`(?<string>[eE]'(?:[^'\\]|''|\\.)*'?|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*'?|(?<dollar>\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?(?:\k<dollar>|$))`,
    String.raw`(?<parameter>\$\d+)`,
    String.raw`(?<number>(?<![\w$])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)`,
    String.raw`(?<quoted>"(?:[^"]|"")*"?)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
  ].join('|'),
  'gu',
);

export function sqlTokens(text: string): readonly SqlToken[] {
  const tokens: SqlToken[] = [];
  const head = text.slice(0, COLOURED_MAX);
  let plain = 0;
  for (const match of head.matchAll(PIECE)) {
    const kind = kindOf(match);
    if (kind === 'plain') continue;
    if (match.index > plain) tokens.push({ kind: 'plain', text: text.slice(plain, match.index) });
    tokens.push({ kind, text: match[0] });
    plain = match.index + match[0].length;
  }
  if (plain < text.length) tokens.push({ kind: 'plain', text: text.slice(plain) });
  return tokens;
}

function kindOf({ groups = {} }: RegExpMatchArray): SqlTokenKind {
  if (groups['comment'] !== undefined) return 'comment';
  if (groups['string'] !== undefined) return 'string';
  if (groups['parameter'] !== undefined) return 'parameter';
  if (groups['number'] !== undefined) return 'number';
  const { word } = groups;
  return word !== undefined && KEYWORDS.has(word.toUpperCase()) ? 'keyword' : 'plain';
}
