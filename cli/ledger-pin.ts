import { CustodyError } from '#core/errors.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LOCAL_ORIGIN } from '#core/ledger/layout.ts';
import { type Cli, say } from './cli.ts';
import type { PublicSigner } from './signer-pin.ts';

const FILE = 'ledger-origin';

/** What the options of a command say of whom to believe. */
interface Trust {
  readonly origin?: string;
  readonly key?: readonly string[];
}

/** For `--origin`, which has no default of commander's: what a command line says is told apart from what is known here. */
export const ORIGIN_HELP = `the ledger's name (default: the one kept at the first use, else ${LOCAL_ORIGIN})`;

/**
 * The ledger whose notes are believed: never what a note says itself. The one that was given; else the one that this machine
 * pinned, unless keys were given, as an auditor's own word is not mixed with that; else a laptop's.
 */
export function expectedLedger(cli: Cli, { origin, key }: Trust): string {
  return origin ?? (key === undefined ? pinnedLedger(cli) : undefined) ?? LOCAL_ORIGIN;
}

/**
 * Pins the origin of the API's ledger at first use, and refuses another one ever after. `note`: a checkpoint, which `signer`
 * must have signed for the origin that it names.
 */
export function checkLedger(cli: Cli, note: string, signer: PublicSigner): void {
  const [named = ''] = note.split('\n', 1);
  const { origin } = openCheckpoint(note, named, signer.der);
  const known = pinnedLedger(cli);
  if (known === origin) return;
  if (known !== undefined) throw changed(cli, known, origin);
  cli.home.write(FILE, `${origin}\n`);
  say(cli, `kept the name of the ledger at first use: ${origin}`);
}

/** The name of the ledger that this machine pinned. */
export function pinnedLedger(cli: Cli): string | undefined {
  return cli.home.read(FILE)?.trimEnd();
}

function changed(cli: Cli, known: string, offered: string): CustodyError {
  const path = cli.home.path(FILE);
  return new CustodyError(
    'state-damaged',
    `THE LEDGER OF THE GATEWAY HAS CHANGED: it is ${offered}, pinned is ${known}`,
    { hint: `ask its operator; if the new one is right, mv ${path} ${path}.old and run this again` },
  );
}
