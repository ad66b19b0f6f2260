/** A call of the Kubernetes API, as the API server understands its line and headers. */

/** A GET that asks for an upgrade of exec, attach or portforward is `create`, as RBAC of the API server has it since 1.35; so is one of proxy, here. */
export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  /** Of what is no resource: the method in lower case. */
  | 'head'
  | 'post'
  | 'put'
  | 'options';

export interface ResourceCall {
  readonly kind: 'resource';
  readonly verb: Verb;
  /** `''` is the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource?: string;
  /** Behind `proxy`: what is asked of the pod, service or node, as it came, with its escapes; so behind any subresource of other APIs. */
  readonly rest?: string;
  /** `''`: what is in no namespace, and all namespaces at once. */
  readonly namespace: string;
  /** `''` where none is named; of lists and watches also by `fieldSelector=metadata.name=…`. */
  readonly name: string;
  /** `container`, `command`, `stdin`, `tty`, `follow`, … as they were. */
  readonly query: URLSearchParams;
  readonly upgrades: boolean;
  /** Makes the object where it is not there: a server-side apply, and a PUT of what the API server has so. */
  readonly mayCreate?: true;
}

export interface PathCall {
  readonly kind: 'path';
  readonly verb: Verb;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly upgrades: boolean;
}

export type Call = ResourceCall | PathCall;
