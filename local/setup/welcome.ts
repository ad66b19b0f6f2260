import { relative } from 'node:path';
import { shellWord } from '#core/replay/shell-word.ts';
import type { LocalAddresses } from './addresses.ts';
import type { LocalSettings } from './settings.ts';

const USUAL_FOLDER = '.custody';
const USUAL_API = 'http://127.0.0.1:7402';

/** What a person copies next; paths as seen from `cwd`. */
export function welcome(addresses: LocalAddresses, settings: LocalSettings, cwd: string): string {
  const { drainMs } = settings;
  const { dataDir, postgres, api, database, ca, config } = addresses;
  const folder = pathFrom(cwd, dataDir);
  const where = api === USUAL_API ? '' : ` --api ${api}`;
  const data = folder === USUAL_FOLDER ? '' : ` --data-dir ${folder}`;
  const conninfo = `host=localhost port=${postgres.port} dbname=orders-db user=dana sslmode=verify-full`;
  return `
Custody is ready. In a browser: ${addresses.console}

In another terminal:

  log in               npx custody login${where}
  connect              npx custody connect orders-db -- psql
${shell(addresses)}${kubectl(addresses)}  ask for more         npx custody request orders-prod --reason 'a bug'; two reviewers: npx custody approve <id>
  what happened        npx custody sessions
  replay one           npx custody play <id>
  take the evidence    npx custody pull <id> --out evidence
  check it, offline    npx custody verify evidence

psql without the CLI, here with the token of a demo person as password:

  export PGPASSWORD=$(npx custody demo token developer${data})
  psql "${conninfo} sslrootcert=${pathFrom(cwd, ca)}"

An agent that acts for Dana, and a deploy job, in her place (a custody.yaml of before has no rules for them):

  export PGPASSWORD=$(npx custody demo token dana --actor agent-7${data})
  export PGPASSWORD=$(npx custody demo token --workload deploy${data})

Login is choosing one of five demo people, without a password: Dana (developer) may connect and replay
her own sessions, Rui and Sam (reviewers) decide about requests and end sessions, Ada (auditor) may replay
and export every session, Pat (admin) sees the state of the gateway.
Rules are in ${pathFrom(cwd, config)}. The demo database itself listens on ${database.host}:${database.port}.
${webServer(addresses)}${cluster(addresses, settings)}
What local mode cannot promise: whoever owns ${folder} can delete or replace everything in it, as there
is no Object Lock, and can sign, as the signing key is a file in it and not in a KMS.

Stop with Ctrl-C: running sessions get ${drainMs / 1000} s to finish. Everything in ${folder} is kept.
`;
}

function shell({ web }: LocalAddresses): string {
  if (web === undefined) return '';
  return `  a shell              npx custody connect web-1 -- ssh
  ssh as it is         npx custody ssh-config --install; then ssh, scp, sftp, rsync, git: ssh web-1\n`;
}

function kubectl({ kubernetes }: LocalAddresses): string {
  if (kubernetes === undefined) return '';
  return `  a cluster            npx custody connect cluster -- kubectl get pods
  kubectl as it is     npx custody kubeconfig --install; then kubectl --context custody-cluster get pods\n`;
}

/** What of it is the cluster's to say: whom the gateway may act as, and what they may do. */
function cluster({ cluster: there, kubernetes }: LocalAddresses, { kubeconfig }: LocalSettings): string {
  if (there === undefined || kubeconfig === undefined) return '';
  const { context, namespace, address } = there;
  const word = (text: string): string => pathFrom('', text);
  const admin = `kubectl --kubeconfig ${word(kubeconfig.file)} --context ${word(context)}`;
  return `
cluster is the API server at ${address}, where the gateway logs in as the context ${context} does. Developers are the user
custody:EMAIL in the group custody:developers there, which may do what your cluster lets it. Once, as its administrator:

  ${admin} --namespace ${word(namespace)} create rolebinding custody-developers --clusterrole=edit --group=custody:developers

A login that is not an administrator's has to be let act as them: docs/kubernetes/gateway-rbac.yaml.
Kubernetes clients reach the gateway at ${kubernetes?.host}:${kubernetes?.port}.
`;
}

/** Whoever reads it knows whose shell that is. */
function webServer({ web, ssh }: LocalAddresses): string {
  if (web === undefined)
    return `\nThere is no demo SSH server: npm start -- --demo-ssh starts one (in a new data folder), which is a shell as
you for whoever can log in here.\n`;
  return `web-1 is a real sshd on ${web.host}:${web.port}; its one login is ${web.login}, on this machine, for whoever may connect.
SSH clients reach the gateway at ${ssh.host}:${ssh.port}.\n`;
}

/** Short, and safe to paste into a shell. */
function pathFrom(cwd: string, path: string): string {
  const short = relative(cwd, path) || '.';
  const shown = short.startsWith('..') ? path : short;
  return shellWord(shown);
}
