import { Command } from 'commander';
import { readConfigFile } from '#adapters/local/config-file.ts';
import { configJsonSchema } from '#core/access/config.ts';
import { configWarnings } from '#core/access/config-warnings.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { counted } from '../listing.ts';

const DEFAULT_CONFIG = '.custody/custody.yaml';

export function configCommand(cli: Cli): Command {
  return new Command('config')
    .description('the configuration file, offline')
    .addCommand(checkCommand(cli))
    .addCommand(schemaCommand(cli));
}

function checkCommand(cli: Cli): Command {
  return new Command('check')
    .description('say whether a gateway would take it; if not, where it is wrong and what was expected')
    .argument('[file]', 'the file', DEFAULT_CONFIG)
    .option('--json', 'as one line of JSON')
    .addHelpText('after', '\nExit codes: 0 it is good, 1 it is not.')
    .action((file: string, { json }: { json?: true }) => check(cli, file, json === true));
}

async function check(cli: Cli, file: string, json: boolean): Promise<void> {
  const config = await readConfigFile(file);
  const { version, targets, rules, webhooks, workflows } = config;
  const sandboxes = [...targets.values()].filter(({ sandbox }) => sandbox !== undefined).length;
  const warnings = configWarnings(config);
  const counts = {
    targets: targets.size,
    sandboxes,
    rules: rules.length,
    workflows: workflows.size,
    webhooks: webhooks.length,
  };
  if (json) return printJson(cli, { file, version, ...counts, ...(warnings.length > 0 ? { warnings } : {}) });
  for (const warning of warnings) cli.stderr.write(`warning: ${file}: ${warning}\n`);
  const parts = [
    `${counted(targets.size, 'target')}${sandboxes === 0 ? '' : ` (${sandboxes} of them ${sandboxes === 1 ? 'a sandbox' : 'sandboxes'})`}`,
    counted(rules.length, 'rule'),
    ...(workflows.size === 0 ? [] : [counted(workflows.size, 'workflow')]),
    counted(webhooks.length, 'webhook'),
  ];
  await print(cli, `${file}: good, ${parts.join(', ')}; version ${version}`);
}

function schemaCommand(cli: Cli): Command {
  return new Command('schema')
    .description('its JSON Schema, for editors: custody config schema > custody.schema.json')
    .action(() => print(cli, JSON.stringify(configJsonSchema(), null, 2)));
}
