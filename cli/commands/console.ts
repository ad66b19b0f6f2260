import { Command } from 'commander';
import { CustodyError } from '#core/errors.ts';
import { apiAddress, getConsole } from '../api.ts';
import { type Cli, print, printJson } from '../cli.ts';
import { safeUrl } from '../http.ts';
import { openInBrowser } from '../open-browser.ts';
import { checkSigner } from '../signer-pin.ts';

interface ConsoleOptions {
  readonly print?: true;
  readonly json?: true;
}

export function consoleCommand(cli: Cli): Command {
  return new Command('console')
    .description("open the gateway's console in a browser; it signs in by itself")
    .option('--print', 'print the address only')
    .option('--json', 'as one line of JSON, and open nothing')
    .action((options: ConsoleOptions) => openConsole(cli, options));
}

async function openConsole(cli: Cli, options: ConsoleOptions): Promise<void> {
  const address = await consoleAddress(cli);
  if (options.json) return printJson(cli, { console: address.href });
  await print(cli, address.href);
  if (!options.print) openInBrowser(address);
}

/** The signing key is looked at first: nobody is led to the page of a gateway that was swapped. */
async function consoleAddress(cli: Cli): Promise<URL> {
  const api = { base: apiAddress(cli) };
  await checkSigner(cli, api);
  const told = await getConsole(api);
  if (told !== undefined) return safeUrl(told, "the console's address");
  throw new CustodyError('not-found', `the gateway at ${api.base.href} does not say where its console is`, {
    hint: 'its operator can say it: console: https://… in custody.yaml',
  });
}
