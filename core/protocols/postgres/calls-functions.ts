/** Before a parenthesis these are no functions. */
const WORDS = new Set(
  'all and any array as by check conflict cube distinct do except exists filter from group grouping having in including insert intersect into is join lateral like limit materialized not nothing offset on or order over partition references returning rollup select set sets some table then union unique update using values when where window with within'.split(
    ' ',
  ),
);
/** Of the server itself, and without a way to change a setting. */
const KNOWN = new Set(
  'abs avg bool_and bool_or cast ceil char_length coalesce concat count current_setting date_part date_trunc decimal extract floor format greatest json_agg jsonb_agg jsonb_build_object least left length lower ltrim max md5 min mod nullif now numeric overlay position replace right round row row_number rtrim split_part string_agg substr substring sum timestamp to_char trim upper varchar'.split(
    ' ',
  ),
);
const COMMANDS =
  /^\s*(?:select|insert|update|delete|merge|copy|with|table|values|fetch|declare|close|lock|truncate|move)\b/i;
const CALLS = /("(?:[^"]|"")*"|[\p{L}_][\p{L}\p{N}_$.]*)\s*\(/gu;

/**
 * Whether a command of a contract may call a function that could change a setting. Rather true too often: a column list counts, too,
 * where it does not stand behind INTO or a table's name in COPY.
 */
export function callsFunctions(statement: string): boolean {
  if (!COMMANDS.test(statement)) return true;
  const bare = statement.replaceAll(/\/\*[\s\S]*?\*\/|--[^\n]*|'(?:[^']|'')*'/g, ' ');
  const columns = /\b(?:insert\s+into|copy)\s+(?:[\p{L}\p{N}_$.]|"(?:[^"]|"")*")+\s*\(/giu;
  const calls = bare.replaceAll(columns, ' (').matchAll(CALLS);
  return [...calls].some(([, name]) => !isKnown(name!));
}

function isKnown(name: string): boolean {
  const folded = name.toLowerCase();
  return WORDS.has(folded) || KNOWN.has(folded);
}
