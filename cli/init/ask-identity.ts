import { discoverIssuer, type Get } from './discovered.ts';
import type { Given } from './given.ts';
import { type Provider, providerOf } from './identity.ts';
import type { Interview } from './interview.ts';
import type { PlannedGroups, PlannedIdentity } from './plan.ts';

export interface AnsweredIdentity {
  readonly identity: PlannedIdentity;
  readonly groups: PlannedGroups;
}

/** Who people are, and by which groups rules know them. `tell`: for the person. */
export async function askIdentity(
  interview: Interview,
  given: Given,
  get: Get,
  tell: (words: string) => void,
): Promise<AnsweredIdentity> {
  const url = await interview.text('Issuer of the identity provider, such as https://acme.okta.com', {
    given: given.issuer,
    mistake: issuerMistake,
  });
  const { issuer, note } = await discoverIssuer(url, get);
  const provider = providerOf(issuer);
  tell(`${provider.title}${note === undefined ? '' : `: ${note}`}. Register there: ${provider.redirect}`);
  const clientId = await interview.text('Client id that is registered there (what tokens are for)', {
    given: given.clientId,
    mistake: required,
  });
  const clientSecret = provider.clientSecret
    ? await interview.text('Its client secret, which whoever reaches the API can read', {
        given: given.clientSecret,
        mistake: required,
      })
    : undefined;
  const own = { provider, issuer, clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
  return provider.noGroups ? askMembers(interview, given, own) : askGroups(interview, given, provider, own);
}

type Own = Pick<PlannedIdentity, 'provider' | 'issuer' | 'clientId' | 'clientSecret'>;

async function askGroups(
  interview: Interview,
  given: Given,
  provider: Provider,
  own: Own,
): Promise<AnsweredIdentity> {
  const groupsClaim = await interview.text('Claim of the token that has the groups', {
    given: given.groupsClaim,
    proposal: provider.groupsClaim,
    mistake: required,
  });
  const group = (what: string, key: 'developers' | 'reviewers' | 'administrators', proposal: string) =>
    interview.text(what, { given: given[key], proposal, mistake: required });
  const developers = await group(
    'Group of those who may ask for sessions',
    'developers',
    'custody-developers',
  );
  const reviewers = await group('Group of those who review', 'reviewers', 'custody-reviewers');
  const administrators = await group('Group of those who run the gateway', 'administrators', reviewers);
  return { identity: { ...own, groupsClaim }, groups: { developers, reviewers, administrators } };
}

/** Where tokens have no groups, who is in which is reviewed as the rules are. */
async function askMembers(interview: Interview, given: Given, own: Own): Promise<AnsweredIdentity> {
  const people = async (
    what: string,
    key: 'developers' | 'reviewers' | 'administrators',
    proposal?: string,
  ) => listOf(await interview.text(what, { given: given[key], proposal, mistake: addressMistake }));
  const developers = await people('E-mail addresses of those who may ask for sessions', 'developers');
  const reviewers = await people('E-mail addresses of those who review', 'reviewers');
  const administrators = await people(
    'E-mail addresses of those who run the gateway',
    'administrators',
    reviewers.join(', '),
  );
  const domain = developers[0]!.split('@')[1]!;
  const { entry, login } = own.provider;
  const params = { ...(login['params'] as object), hd: domain };
  const provider = {
    ...own.provider,
    entry: { match: { hd: domain }, ...entry },
    login: { ...login, params },
  };
  return {
    identity: { ...own, provider, members: { developers, reviewers, administrators } },
    groups: { developers: 'developers', reviewers: 'reviewers', administrators: 'administrators' },
  };
}

export function listOf(text: string): string[] {
  return text.split(/[\s,]+/).filter((one) => one !== '');
}

function addressMistake(text: string): string | undefined {
  const all = listOf(text);
  const isGood = all.length > 0 && all.every((one) => /^[^\s@]+@[^\s@]+$/.test(one));
  return isGood ? undefined : 'expected e-mail addresses, with commas between them';
}

function required(text: string): string | undefined {
  return text === '' ? 'expected an answer' : undefined;
}

/** As custody.yaml takes it. */
function issuerMistake(text: string): string | undefined {
  const url = URL.parse(text);
  if (url?.protocol === 'https:') return undefined;
  const isHere = url?.protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  return isHere ? undefined : 'expected an https URL';
}
