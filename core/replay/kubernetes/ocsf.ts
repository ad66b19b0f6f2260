import type { ActivityOf } from '#core/ocsf/classes.ts';
import type { StepPlace, StepShape, StepShapeOf } from '#core/ocsf/step-shape.ts';
import type { StepFacts } from '../facts.ts';
import type { ReadStep } from '../reader.ts';
import { callText } from './call-names.ts';
import type { KubernetesStep, ShownCall, ShownForward } from './step.ts';

const [REGULAR, FOLDER, LINK, UNKNOWN] = [1, 2, 7, 0];
const TYPES = { file: REGULAR, folder: FOLDER, link: LINK, other: UNKNOWN } as const;
const SHA_256 = { algorithm: 'SHA-256', algorithm_id: 3 } as const;

const ACTIVITIES: Readonly<Record<string, ActivityOf<'api_activity'>>> = {
  create: 1,
  post: 1,
  get: 2,
  list: 2,
  watch: 2,
  head: 2,
  options: 2,
  update: 3,
  patch: 3,
  put: 3,
  delete: 4,
  deletecollection: 4,
};

/** Of a protocol that a forwarded connection is read as. */
export interface CarriedShape {
  readonly shapeOf: StepShapeOf;
  read(json: Readonly<Record<string, unknown>>): ReadStep;
}

/** A call is one of an API; what runs in a container a process, a copied file a file, a forwarded connection a tunnel. */
export function kubernetesEvent(carried: ReadonlyMap<string, CarriedShape>): StepShapeOf {
  return (read, facts, place) => {
    const step = read.step as KubernetesStep;
    const inner = step.carried && carried.get(step.carried.protocol);
    if (inner !== undefined) return inner.shapeOf(inner.read(step.carried!.step), facts, place);
    switch (step.kind) {
      case 'exec':
      case 'command':
        return processOf(step, facts, place);
      case 'file':
        return step.file === undefined ? apiOf(step) : fileOf(step.file);
      case 'forward':
        return step.forward === undefined ? apiOf(step) : tunnelOf(step.forward, place);
      default:
        return apiOf(step);
    }
  };
}

function apiOf({ kind, call, event, channel }: KubernetesStep): StepShape {
  const activity = call?.verb === undefined ? (event === undefined ? 99 : 2) : (ACTIVITIES[call.verb] ?? 99);
  const operation = call === undefined ? kind : callText(call);
  return {
    class: 'api_activity',
    activity,
    fields: {
      api: {
        operation,
        ...(call?.version === undefined ? {} : { version: call.version }),
        ...(channel === undefined ? {} : { request: { uid: String(channel) } }),
        ...(call?.status === undefined ? {} : { response: { code: call.status } }),
      },
      ...(call === undefined ? {} : requestFields(call)),
      ...(event === undefined ? {} : resourceFields(event.kind, event)),
    },
  };
}

function requestFields(call: ShownCall) {
  const { method, target, agent, resource } = call;
  return {
    http_request: {
      http_method: method,
      url: { path: target.text.split('?')[0] || '/' },
      ...(agent === undefined ? {} : { user_agent: agent }),
    },
    ...(resource === undefined ? {} : resourceFields(resource, call)),
  };
}

function resourceFields(
  type: string,
  { name, namespace }: { readonly name?: string; readonly namespace?: string },
) {
  if (name === undefined && namespace === undefined) return {};
  return {
    resources: [{ type, name: name ?? `${namespace}/`, ...(namespace === undefined ? {} : { namespace }) }],
  };
}

function processOf(step: KubernetesStep, { text }: StepFacts, { uid }: StepPlace): StepShape {
  const { command, words, program, exitStatus, channel } = step;
  const code = exitStatus ?? program?.exitCode;
  const line = command?.text ?? text ?? '';
  const [name = line.trim().split(/\s+/)[0]] = words ?? [];
  return {
    class: 'process_activity',
    activity: 1,
    fields: {
      process: {
        // The cluster tells no process id: the step stands for it, and for its call.
        uid,
        cmd_line: line,
        ...(name ? { name: name.split('/').findLast((part) => part !== '') ?? name } : {}),
        ...(channel === undefined ? {} : { xattributes: { channel } }),
      },
      ...(code === undefined ? {} : { exit_code: code }),
    },
  };
}

function fileOf({
  path: { text: path },
  type,
  direction,
  size,
  sha256,
}: NonNullable<KubernetesStep['file']>): StepShape {
  const name = path.split('/').findLast((part) => part !== '') ?? '';
  return {
    class: 'file_activity',
    activity: direction === 'upload' ? 3 : 2,
    fields: {
      file: {
        ...{ name: name || path || '.', path, type_id: TYPES[type], size },
        ...(sha256 === undefined ? {} : { hashes: [{ ...SHA_256, value: sha256 }] }),
      },
    },
  };
}

function tunnelOf({ port, to, sent, received }: ShownForward, { session }: StepPlace): StepShape {
  const [out, back] = [sent?.bytes ?? 0, received?.bytes ?? 0];
  return {
    class: 'tunnel_activity',
    activity: 1,
    fields: {
      tunnel_type_id: 99,
      tunnel_type: 'port-forward',
      session: { uid: session },
      ...(to === undefined ? {} : { dst_endpoint: { name: to, port } }),
      traffic: { bytes: out + back, bytes_in: back, bytes_out: out },
    },
  };
}
