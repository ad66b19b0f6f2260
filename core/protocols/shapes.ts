/** Who knows the shapes of which protocol's commands. Loaded where workflows are: the parser of SQL is not small. */
import type { CommandShapes } from '../tasks/shapes.ts';
import type { CommandProtocol } from './command-parts.ts';

export const LOAD_SHAPES: Readonly<Record<CommandProtocol, () => Promise<CommandShapes>>> = {
  postgres: async () => (await import('./postgres/shapes/shapes.ts')).loadPostgresShapes(),
  kubernetes: async () => (await import('./kubernetes/shapes/shapes.ts')).kubernetesShapes,
  ssh: async () => (await import('./ssh/shapes/shapes.ts')).sshShapes,
};
