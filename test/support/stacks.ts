import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { readDeploymentConfig } from '#cdk/config.ts';
import { FLAGS } from '#cdk/flags.ts';
import { GatewayStack } from '#cdk/gateway-stack.ts';

export const ROOT = new URL('../..', import.meta.url).pathname;
export const EXAMPLE = join(ROOT, 'cdk', 'example');

/** What has to be said in cdk.json. */
export const MINIMAL = {
  configFolder: EXAMPLE,
  gateway: { hostname: 'gateway.example.com', tlsSecret: 'custody/tls', clients: ['10.0.0.0/8'] },
};

/** In place of what `npm run build` makes. */
export const STUBS = {
  code: () => Code.fromInline('exports.handler = async () => undefined;'),
  image: ContainerImage.fromRegistry('custody-proxy'),
  // Any folder: what is in it is looked at nowhere.
  consoleFiles: EXAMPLE,
};

/**
 * The app's own flags; assets stay where they are, which is faster. CDK's own validation, seconds of each template and of
 * each worker, only warns: test/cdk/nag.test.ts asks for it, of every kind of stack, and reads what it says.
 */
export function testApp(outdir?: string, validated = false): App {
  return new App({
    analyticsReporting: false,
    builtinCloudFormationValidation: validated,
    stackTraces: false,
    treeMetadata: false,
    context: { ...FLAGS, 'aws:cdk:disable-asset-staging': true },
    ...(outdir === undefined ? {} : { outdir }),
  });
}

/** The stack of an app, from what would stand in cdk.json. */
export function gatewayStack(settings: object = {}, app: App = testApp()): GatewayStack {
  const read = readDeploymentConfig({ ...MINIMAL, ...settings });
  const { account, region, stackName } = read;
  const env = { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) };
  return new GatewayStack(app, stackName, { settings: read, folder: ROOT, env, ...STUBS });
}

const templates = new Map<string, Template>();

/** Made once of the same settings, as nobody changes a template; what is in a folder of a test's own may be other by now. */
export function gatewayTemplate(settings: object = {}): Template {
  if ('configFolder' in settings) return Template.fromStack(gatewayStack(settings));
  const key = JSON.stringify(settings);
  const made = templates.get(key) ?? Template.fromStack(gatewayStack(settings));
  templates.set(key, made);
  return made;
}

/** A stack for constructs beside it. */
export function emptyStack(): Stack {
  return new Stack(testApp(), 'Test');
}

/** A folder with the example's custody.yaml, changed, and other files; gone when it goes out of scope. */
export function configFolder(
  change: (yaml: string) => string = (yaml) => yaml,
  files: Readonly<Record<string, string>> = {},
): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'custody-config-'));
  cpSync(EXAMPLE, path, { recursive: true });
  writeFileSync(join(path, 'custody.yaml'), change(readFileSync(join(EXAMPLE, 'custody.yaml'), 'utf8')));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
