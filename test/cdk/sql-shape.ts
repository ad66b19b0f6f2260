/** Bundled by synth.test.ts: SQL is read here and in a thread of its own, with the parser's file beside the bundle. */
import { loadPostgresShapes } from '#core/protocols/postgres/shapes/shapes.ts';
import { ThreadAnalyst } from '#proxy/protocols/postgres/thread-analyst.ts';

const STATEMENT = 'SELECT a FROM t WHERE b = 1';
const terms = { name: 'read', values: {}, times: { min: 1, max: 1 }, answers: { error: 'none' as const } };

const shapes = await loadPostgresShapes();
const declared = shapes.declare({ ...terms, statement: STATEMENT });
const thread = new ThreadAnalyst();
const analysis = await thread.analyse(STATEMENT);
await thread.close();
const seen = 'statements' in analysis ? analysis.statements[0]?.shape : analysis.why;
process.stdout.write(`${declared.text} ${declared.shape === seen}`);
