import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** In a process of its own: this one may have the parser already. */
const SCRIPT = `
  let made = 0;
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = (...of) => ((made += 1), instantiate(...of));
  const { LOAD_FACTS, LOAD_SHAPE_OF } = await import('#core/replay/load-facts.ts');
  const { Parser } = await import('#core/protocols/postgres/shapes/parser.ts');
  const { loadColumnRules } = await import('#core/replay/postgres/redact/columns.ts');
  const { loadPostgresShapes } = await import('#core/protocols/postgres/shapes/shapes.ts');
  await Parser.load();
  const ofOne = made;
  for (const _session of [1, 2, 3]) {
    for (const load of [...LOAD_FACTS.values(), ...LOAD_SHAPE_OF.values()]) await load();
    await loadColumnRules(['people.name']);
    await loadPostgresShapes();
  }
  console.log(JSON.stringify({ ofOne, ofAll: made - ofOne }));
`;

it('makes one parser of SQL in a process, however many sessions are read', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', SCRIPT]);
  const { ofOne, ofAll } = JSON.parse(stdout) as { ofOne: number; ofAll: number };
  expect(ofOne).toBeGreaterThan(0);
  expect(ofAll).toBe(ofOne);
});
