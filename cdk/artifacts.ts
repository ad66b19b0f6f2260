import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { IgnoreMode, Stack } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { CustodyError } from '#core/errors.ts';
import type { FunctionName } from './function-names.ts';
import { RDS_CERTIFICATES } from './targets/postgres/rds-certificates.ts';

export const ROOT = new URL('..', import.meta.url).pathname;

/** All that the Dockerfile copies; the rest of the folder is none of Docker's business. */
export const IMAGE_FILES = ['dist/proxy', 'dist/package.json', RDS_CERTIFICATES, 'fargate-proxy/Dockerfile'];

/** What `npm run build` made of a function. Throws `config-invalid` before it did. */
export function builtFunction(name: FunctionName): Code {
  return Code.fromAsset(built(join('dist', 'lambdas', name)));
}

/** The proxy's image: Docker makes it when the stack is deployed. Throws `config-invalid` before `npm run build`. */
export function builtImage(architecture: 'arm64' | 'x64'): ContainerImage {
  built(join('dist', 'proxy', 'main.mjs'));
  return ContainerImage.fromAsset(ROOT, {
    file: 'fargate-proxy/Dockerfile',
    platform: architecture === 'arm64' ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
    ignoreMode: IgnoreMode.DOCKER,
    exclude: ['*', ...IMAGE_FILES.map((file) => `!${file}`)],
  });
}

const IN_ECR = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/(.+)@(sha256:[0-9a-f]{64})$/;

/** An image of one's own, by its digest. Of ECR the tasks get the right to pull it; elsewhere it has to be public. */
export function givenImage(scope: Construct, reference: string): ContainerImage {
  const [, account, region, name, digest] = IN_ECR.exec(reference) ?? [];
  if (name === undefined) return ContainerImage.fromRegistry(reference);
  const repositoryArn = Stack.of(scope).formatArn({
    ...{ service: 'ecr', account: account!, region: region!, resource: 'repository', resourceName: name },
  });
  const repository = Repository.fromRepositoryAttributes(scope, 'ImageRepository', {
    ...{ repositoryArn, repositoryName: name },
  });
  return ContainerImage.fromEcrRepository(repository, digest);
}

/** What `npm run build` put there. Throws `config-invalid` before it did. */
export function built(path: string): string {
  if (existsSync(join(ROOT, path))) return join(ROOT, path);
  throw new CustodyError('config-invalid', `${path} is not there`, { hint: 'build first: npm run build' });
}
