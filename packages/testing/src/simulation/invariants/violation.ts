/** Something that must never happen, and did. */
export interface Violation {
  /** Which promise was broken: the same for every history that breaks it. */
  readonly rule: string;
  readonly message: string;
}
