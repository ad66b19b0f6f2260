/** What `.ci/ocsf` installs: the published schema, and engines that read our events. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { EventClass } from '#core/ocsf/classes.ts';

/** Whether it is on this machine; where clients are required it has to be. */
export function hasOcsf(): boolean {
  try {
    execFileSync(python(), ['-c', 'import duckdb, sqlglot, ocsf_json_schema'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw error;
    process.stderr.write('LEFT OUT: tests that need the schema of OCSF, sqlglot and DuckDB (.ci/ocsf)\n');
    return false;
  }
}

/** The published schema of one class. */
export function schemaOf(name: EventClass): ValidateFunction {
  const file = join(process.env['CUSTODY_OCSF']!, '..', 'schemas', `${name}.json`);
  // The schemas name types in unions and bounds of other types, which ajv would rather not have.
  return new Ajv2020({ allErrors: true, strict: false }).compile(JSON.parse(readFileSync(file, 'utf8')));
}

/** What a program prints, as JSON; throws with its words when it fails. */
export function askEngine(program: string, json: unknown): unknown {
  const options = { input: JSON.stringify(json), encoding: 'utf8', maxBuffer: 64 << 20 } as const;
  const { status, stdout, stderr } = spawnSync(python(), ['-c', program], options);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

function python(): string {
  const folder = process.env['CUSTODY_OCSF'];
  return folder === undefined ? 'python3' : join(folder, 'python');
}
