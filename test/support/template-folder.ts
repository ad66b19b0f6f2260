import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What many tests begin with is made once in a run (templates.ts). PostgreSQL's own user passes through. */
export function keepTemplates(): void {
  if (process.env['CUSTODY_TEMPLATES'] !== undefined) return;
  const templates = mkdtempSync(join(tmpdir(), 'custody-templates-'));
  chmodSync(templates, 0o711);
  process.env['CUSTODY_TEMPLATES'] = templates;
  process.once('exit', () => rmSync(templates, { recursive: true, force: true }));
}
