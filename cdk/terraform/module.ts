/** A module for Terraform: the very template that `cdk deploy` deploys, the files that it names, and what puts both into an account. */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { App, type IStackSynthesizer } from 'aws-cdk-lib';
import { CustodyError } from '#core/errors.ts';
import { ROOT } from '../artifacts.ts';
import type { DeploymentConfig } from '../config.ts';
import { FLAGS } from '../flags.ts';
import { GatewayStack, type GatewayStackProps } from '../gateway-stack.ts';
import { noImage, type PlainAsset, PlainSynthesizer } from './plain-synthesizer.ts';
import { zipped } from './zip.ts';

export interface ModuleOptions extends Pick<GatewayStackProps, 'code' | 'image' | 'consoleFiles'> {
  readonly settings: DeploymentConfig;
  /** What `settings.configFolder` is relative to. */
  readonly folder: string;
  /** What the CDK looked up in the account: `cdk.context.json`. */
  readonly looked?: Readonly<Record<string, unknown>>;
}

/** Of Terraform, in this project. */
const SOURCES = 'terraform';
const FILES = 'files';

/** Writes it. Throws `config-invalid` as the stack does, without an image, and where the account has to be looked at first. */
export function writeModule(into: string, options: ModuleOptions): void {
  // Before the image is looked for that Docker would make.
  if (options.image === undefined && options.settings.image === undefined) throw noImage();
  const out = mkdtempSync(join(tmpdir(), 'custody-terraform-'));
  try {
    const { template, assets } = plainTemplate(out, options);
    rmSync(join(into, FILES), { recursive: true, force: true });
    mkdirSync(join(into, FILES), { recursive: true });
    cpSync(join(ROOT, SOURCES), into, { recursive: true });
    const listed = [...assets].map((asset) => [asset.key, writeAsset(asset, out, into)] as const);
    writeFileSync(join(into, 'template.json'), JSON.stringify(template));
    writeFileSync(join(into, 'files.json'), `${JSON.stringify(Object.fromEntries(listed), undefined, 2)}\n`);
    writeFileSync(join(into, 'stack.json'), `${JSON.stringify({ name: options.settings.stackName })}\n`);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The template of `cdk deploy`, but for where its files are and with whose role it is deployed. */
export function plainTemplate(outdir: string, { settings, folder, looked, ...stubs }: ModuleOptions) {
  const app = new App({
    ...{ outdir, autoSynth: false, analyticsReporting: false, context: { ...FLAGS, ...looked } },
    // It would warn of what stands for a VPC until that is looked up, which is refused below.
    builtinCloudFormationValidation: false,
  });
  const synthesizer = new PlainSynthesizer();
  const { account, region, stackName } = settings;
  const stack = new GatewayStack(app, stackName, {
    ...{
      settings,
      folder,
      ...stubs,
      synthesizer: synthesizer as IStackSynthesizer,
      description: 'Custody: an access gateway that records',
    },
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
    tags: { custody: stackName },
  });
  const { manifest } = app.synth();
  if ((manifest.missing ?? []).length > 0) throw notLookedUp();
  const template = JSON.parse(readFileSync(join(outdir, stack.templateFile), 'utf8')) as object;
  return { template, assets: [...synthesizer.assets.values()] };
}

/** Its file in the module, and what is in it. */
function writeAsset({ key, path, isFolder }: PlainAsset, out: string, into: string) {
  const from = join(out, path);
  const bytes = isFolder ? zipped(from) : readFileSync(from);
  const file = `${FILES}/${basename(key)}`;
  writeFileSync(join(into, file), bytes);
  return { file, sha256: createHash('sha256').update(bytes).digest('base64') };
}

function notLookedUp(): CustodyError {
  return new CustodyError(
    'config-invalid',
    'cdk.json: context.custody.network: the VPC has not been looked at yet',
    {
      hint: 'run npx cdk synth once, with credentials for the account: it writes cdk.context.json',
    },
  );
}

/** `cdk.context.json` of a folder. */
export function lookedUp(folder: string): Readonly<Record<string, unknown>> {
  const file = join(folder, 'cdk.context.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
}
