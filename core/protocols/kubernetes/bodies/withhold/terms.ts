export interface MarkTerms {
  /** A Secret of Kubernetes itself: of its data the names are no secrets. */
  readonly isSecret: boolean;
  readonly isDelete: boolean;
}
