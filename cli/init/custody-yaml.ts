import { Document, isScalar, visit } from 'yaml';
import { flow } from './flow-text.ts';
import type { Plan, PlannedIdentity } from './plan.ts';
import { targetText } from './postgres-yaml.ts';

/** custody.yaml, with what a reader has to know beside each part. */
export function custodyYaml({ identity, targets, groups }: Plan): string {
  const { developers, reviewers, administrators } = groups;
  return `# yaml-language-server: $schema=../custody.schema.json
# Who may reach what. Reviewed as code is: a deployment brings it into force, within seconds.
version: 1

${identityText(identity)}
targets:${targets.length === 0 ? ' {}\n' : `\n${targets.map(targetText).join('')}`}
rules: # nothing is allowed that no rule allows
  - name: developers-ask # each session needs a grant, which a reviewer gives for a time
    groups: [${flow(developers)}]
    targets: ['*']
    allow: [connect]
    approval:
      reviewers: { any: [${flow(reviewers)}] }
      maxDuration: 4h
      reason: required
  # Where nobody may be awake to approve: at once, with an alarm, and reviewers look at it afterwards.
  # - name: developers-break-glass
  #   groups: [${flow(developers)}]
  #   targets: ['*']
  #   allow: [connect]
  #   breakGlass:
  #     reviewers: { any: [${flow(reviewers)}] }
  #     maxDuration: 1h
  - name: everybody-sees-their-own
    groups: [${flow(developers)}]
    targets: ['*']
    allow: [replay]
  - name: reviewers-see-all
    groups: [${flow(reviewers)}]
    targets: ['*']
    allow: [replay, export, terminate]
    sessions: any
  - name: administrators # how the gateway is: custody doctor, the console's page of the gateway
    groups: [${flow(administrators)}]
    targets: ['*']
    allow: [administer]
`;
}

function identityText({
  provider,
  issuer,
  clientId,
  clientSecret,
  groupsClaim,
  members,
}: PlannedIdentity): string {
  const login = {
    title: provider.title,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...provider.login,
  };
  const entry = {
    name: provider.name,
    issuer,
    audience: clientId,
    ...(groupsClaim === undefined ? {} : { groupsClaim }),
    ...provider.entry,
    ...(members === undefined ? {} : { members }),
    login,
  };
  return `# What to register there: docs/identity/${provider.page}\n${written({ identity: [entry] })}`;
}

/** Lists of texts on one line each, as a person would write them. */
function written(value: object): string {
  const document = new Document(value);
  visit(document, {
    Seq: (_, list) => {
      if (list.items.every(isScalar)) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
