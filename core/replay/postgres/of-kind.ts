/** The members of a union whose `kind` can be `Kind`. */
export type OfKind<Union, Kind> = Union extends { readonly kind: infer All }
  ? Kind extends All
    ? Union
    : never
  : never;
