import { accountOf } from '../../aws/account.ts';
import { askWith } from '../../aws/ask.ts';
import { awsCli } from '../../aws/aws-cli.ts';
import type { Cli } from '../../cli.ts';
import type { Check } from '../../findings/finding.ts';
import type { Deployment } from '../../init/settings.ts';
import { tlsFindings } from '../../preflight/gateway-certificate.ts';
import { alarmFindings } from './alarms.ts';
import { balancerFindings } from './balancer.ts';
import { logFindings } from './logs.ts';
import { serviceFindings } from './service.ts';
import { shownCertificateFindings } from './postgres-certificate.ts';
import { seeStack, stackFindings } from './stack.ts';
import { throttleFindings } from './throttles.ts';

/** What the account knows of a deployed gateway, and where its API is. Throws where there is no such stack. */
export async function awsChecks(
  cli: Cli,
  deployment: Deployment,
  profile: string | undefined,
): Promise<{ readonly apiUrl: string | undefined; readonly checks: Readonly<Record<string, Check>> }> {
  const { stackName, region } = deployment.settings;
  const ask = askWith(awsCli(process.env, { region, profile }));
  await accountOf(ask);
  const stack = await seeStack(ask, stackName);
  const now = cli.now();
  return {
    apiUrl: stack.outputs['ApiUrl'],
    checks: {
      stack: async () => stackFindings(stack),
      tasks: () => serviceFindings(stack, ask),
      'load balancer': () => balancerFindings(stack, ask),
      alarms: () => alarmFindings(stack, ask),
      log: () => logFindings(stack, ask, now),
      tables: () => throttleFindings(stack, ask, now),
      certificate: () => tlsFindings(deployment, ask, new Date(now)),
      'shown certificate': () => shownCertificateFindings(deployment, ask),
    },
  };
}
