import {
  CfnParameter,
  type DockerImageAssetLocation,
  type FileAssetLocation,
  FileAssetPackaging,
  type FileAssetSource,
  type ISynthesisSession,
  type Stack,
  StackSynthesizer,
} from 'aws-cdk-lib';
import { CustodyError } from '#core/errors.ts';

/** Something that has to be in the bucket before the template is deployed. */
export interface PlainAsset {
  readonly key: string;
  /** A file, or a folder that is to be zipped, in the folder of the assembly. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** All of ours are below it, in whatever bucket they are put. */
const PREFIX = 'custody/';

/** A template that whoever can deploy templates can deploy: where the files are, and with what role it is done, are its parameters. */
export class PlainSynthesizer extends StackSynthesizer {
  readonly assets = new Map<string, PlainAsset>();
  #bucket: CfnParameter | undefined;
  #role: CfnParameter | undefined;

  override bind(stack: Stack): void {
    super.bind(stack);
    this.#bucket = new CfnParameter(stack, 'AssetsBucket', {
      description: 'Where the files of this template are',
    });
    this.#role = new CfnParameter(stack, 'DeploymentRole', {
      description:
        'The ARN of the role that CloudFormation deploys this with: no other may change the configuration',
      allowedPattern: 'arn:aws[a-z-]*:iam::[0-9]{12}:role/.+',
    });
  }

  /** The ARN of the role that CloudFormation works with. */
  get deploymentRole(): string {
    return this.#role!.valueAsString;
  }

  addFileAsset({ sourceHash, fileName, packaging }: FileAssetSource): FileAssetLocation {
    const isFolder = packaging === FileAssetPackaging.ZIP_DIRECTORY;
    const key = `${PREFIX}${sourceHash}${isFolder ? '.zip' : endingOf(fileName!)}`;
    this.assets.set(key, { key, path: fileName!, isFolder });
    const bucketName = this.#bucket!.valueAsString;
    const s3ObjectUrl = `s3://${bucketName}/${key}`;
    return {
      bucketName,
      objectKey: key,
      s3ObjectUrl,
      httpUrl: `https://${bucketName}.s3.amazonaws.com/${key}`,
    };
  }

  addDockerImageAsset(): DockerImageAssetLocation {
    throw noImage();
  }

  synthesize(session: ISynthesisSession): void {
    this.synthesizeTemplate(session);
    this.emitArtifact(session);
  }
}

function endingOf(name: string): string {
  return /\.[a-z0-9]+$/i.exec(name)?.[0] ?? '';
}

/** Of settings that name none. */
export function noImage(): CustodyError {
  return new CustodyError(
    'config-invalid',
    'cdk.json: context.custody.image: found nothing, expected an image by its digest',
    {
      hint: 'Terraform makes no images: build it, push it to a registry of yours, and name it there; cdk/README.md, "An image of your own"',
    },
  );
}
