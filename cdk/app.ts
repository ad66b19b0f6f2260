/** `cdk deploy`: the stack that cdk.json and custody.yaml describe. */
import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { CustodyError } from '#core/errors.ts';
import { readDeploymentConfig } from './config.ts';
import { FLAGS } from './flags.ts';
import { GatewayStack } from './gateway-stack.ts';
import { IamChangesStack } from './iam-changes-stack.ts';

try {
  synthesize();
} catch (error) {
  if (!(error instanceof CustodyError)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`→ ${error.hint}\n`);
  process.exitCode = 1;
}

function synthesize(): void {
  // By itself it would synthesize again at the end of the process, also what is half made because of a mistake that was told.
  const app = new App({ autoSynth: false, context: FLAGS });
  const settings = readDeploymentConfig(app.node.tryGetContext('custody'));
  const { account, region, stackName } = settings;
  new GatewayStack(app, stackName, {
    ...{ settings, folder: process.cwd(), description: 'Custody: an access gateway that records' },
    env: { ...(account === undefined ? {} : { account }), ...(region === undefined ? {} : { region }) },
    tags: { custody: stackName },
    terminationProtection: settings.protect,
  });
  if (settings.alarms.iamChanges && account !== undefined && region !== undefined)
    new IamChangesStack(app, `${stackName}-IamChanges`, { stackName, gateway: { account, region } });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  app.synth();
}
