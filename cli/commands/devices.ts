import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { nameOf } from '#core/access/person.ts';
import { CustodyError } from '#core/errors.ts';
import { fingerprintHex } from '#core/protocols/ssh/keys/key-line.ts';
import { type Cli, print, printJson, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { type Device, type DeviceFilter, devicePages, deviceStates, stepDevice } from '../devices-api.ts';
import { facts } from '../listing.ts';
import { type Paging, printPages, readLimit } from '../paging.ts';
import type { KeyWishes } from '../ssh/device-key.ts';
import { registerKey } from '../ssh/register.ts';

interface Json {
  readonly json?: true;
}

interface ListOptions extends DeviceFilter, Paging, Json {}

interface RegisterOptions extends KeyWishes, Json {
  readonly name?: string;
}

const NOTES = `
A device is known by a key that only it has. A rule may ask for one, and then a token alone opens nothing.
Devices are named by the fingerprint of their key: SHA256:… as ssh-keygen -l prints it.`;

export function devicesCommand(cli: Cli): Command {
  const devices = new Command('devices')
    .description('your registered devices; register, approve or revoke one')
    .enablePositionalOptions()
    .addHelpText('after', NOTES);
  for (const command of [listCommand, registerCommand, approveCommand, revokeCommand])
    devices.addCommand(command(cli), { isDefault: command === listCommand });
  return devices;
}

function listCommand(cli: Cli): Command {
  return new Command('list')
    .description('your devices, and with --state pending those that you may approve')
    .option('--person <who>', "somebody else's, by subject or email, for those who administer")
    .addOption(new Option('--state <state>', 'in this state').choices(deviceStates))
    .option('--limit <n>', 'how many at most, or all', readLimit, 20)
    .option('--cursor <cursor>', 'go on from here')
    .option('--json', 'as one line of JSON')
    .action(({ person, state, limit, cursor, json }: ListOptions) =>
      list(cli, { person, state }, { limit, cursor }, json),
    );
}

async function list(cli: Cli, filter: DeviceFilter, paging: Paging, json: true | undefined): Promise<void> {
  await printPages(cli, devicePages(await connectApi(cli), filter, paging), LISTED, json === true);
}

const LISTED = {
  name: 'devices',
  headings: ['DEVICE', 'NAME', 'WHOSE', 'KEPT', 'STATE', 'REGISTERED'],
  row: (device: Device): string[] => [
    device.id,
    device.name,
    nameOf(device.owner),
    keptText(device),
    stateText(device),
    device.registeredAt.replace(/\.\d+Z$/, 'Z'),
  ],
};

function registerCommand(cli: Cli): Command {
  return new Command('register')
    .description("register this device's key: the one that custody ssh-login uses, else a new one")
    .option('--name <name>', "what you call it (default: this machine's name)")
    .option('--key <file>', 'this key; its public half is enough where ssh-agent has the rest')
    .option('--from-agent [name]', 'a key of ssh-agent, by its comment or fingerprint')
    .option('--new', 'a new key')
    .option('--fido', 'a new key on a FIDO authenticator, which says by its attestation what it is')
    .option('--json', 'as one line of JSON')
    .action(async ({ name = hostname(), json, ...wishes }: RegisterOptions) => {
      const device = await registerKey(cli, await connectApi(cli), name, wishes);
      await show(cli, device, json);
      if (device.state === 'pending')
        say(cli, `it waits for an approval: custody devices approve ${device.id}`);
    });
}

function approveCommand(cli: Cli): Command {
  return new Command('approve')
    .description('approve a device that waits for it')
    .argument('<device>')
    .option('--json', 'as one line of JSON')
    .action(async (id: string, { json }: Json) => {
      const hex = hexOf(id);
      await show(cli, await stepDevice(await connectApi(cli), hex, 'approve', {}), json);
    });
}

function revokeCommand(cli: Cli): Command {
  return new Command('revoke')
    .description('no longer believe in a device, for good; its sessions end within seconds')
    .argument('<device>')
    .option('--reason <text>', 'for whoever reads it later')
    .option('--json', 'as one line of JSON')
    .action(async (id: string, { reason, json }: Json & { reason?: string }) => {
      const body = reason === undefined ? {} : { reason };
      const hex = hexOf(id);
      await show(cli, await stepDevice(await connectApi(cli), hex, 'revoke', body), json);
    });
}

async function show(cli: Cli, device: Device, json: true | undefined): Promise<void> {
  if (json) return printJson(cli, device);
  const { id, name, owner, type, registeredAt, revoked } = device;
  const shown = {
    device: id,
    name,
    owner: nameOf(owner),
    key: type,
    kept: keptText(device),
    state: stateText(device),
    registered: registeredAt,
    revoked: revoked === undefined ? undefined : `${revoked.at} by ${nameOf(revoked.by)}`,
    reason: revoked?.reason,
  };
  await print(cli, facts(shown).join('\n'));
}

/** How the key is kept, as far as it was proved. */
function keptText({ fido, attested, userVerified, authenticator }: Device): string {
  if (!fido) return 'not known';
  const maker = authenticator?.issuer === undefined ? '' : ` by ${authenticator.issuer}`;
  const verified = userVerified ? ', knows its user' : '';
  return `FIDO, ${attested ? `attested${maker}` : 'not attested'}${verified}`;
}

function stateText({ state, approvals, needs, mayApprove }: Device): string {
  if (state !== 'pending' || needs === undefined) return state;
  const yours = mayApprove ? ', you may approve it' : '';
  return `pending: ${approvals.length} of ${needs.approvals} approvals${yours}`;
}

/** The part of an address that stands for a fingerprint. */
function hexOf(id: string): string {
  if (/^SHA256:[A-Za-z0-9+/]{43}$/.test(id)) return fingerprintHex(id);
  throw new CustodyError('format-invalid', `${id} is no device`, {
    hint: 'give the fingerprint of its key, as custody devices prints it: SHA256:…',
  });
}
