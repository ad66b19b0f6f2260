import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { type Cli, say } from '../cli.ts';
import { refuseFilled } from '../evidence/empty-folder.ts';
import { fetchEvidence } from '../evidence/source.ts';
import { sizeText } from '../listing.ts';
import { requireSessionId } from '../session-id.ts';

export function pullCommand(cli: Cli): Command {
  return new Command('pull')
    .description('fetch the evidence of a session into a folder, for custody verify or for an auditor')
    .argument('<id>')
    .requiredOption('--out <dir>', 'a folder that is empty or does not exist')
    .action((id: string, { out }: { out: string }) => pull(cli, id, resolve(out)));
}

/** The folder appears whole or not at all. */
async function pull(cli: Cli, id: string, out: string): Promise<void> {
  requireSessionId(id);
  await refuseFilled(out);
  await mkdir(dirname(out), { recursive: true });
  const draft = await mkdtemp(join(dirname(out), `.${basename(out)}-`));
  try {
    const { objects, bytes } = await fetchEvidence(cli, { id, purpose: 'export' }, draft);
    await rename(draft, out);
    say(cli, `${objects} files, ${sizeText(bytes)}, in ${out}`);
    say(cli, `check them: custody verify ${out}`);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
