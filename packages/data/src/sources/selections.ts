import type { FieldSelection } from "@stampede/core";
import { refusal } from "../refusal.js";
import type { FieldOptions } from "./source.js";

export interface RoleSelection {
  readonly role: "feature" | "label";
  /** How the user writes it: `features`, or `features[1]` of a list. */
  readonly where: string;
  readonly selection: FieldSelection;
}

type Fields = FieldSelection | readonly FieldSelection[] | undefined;

/** Features first, then labels, each in the order given. */
export function listSelections(features: Fields, labels: Fields): readonly RoleSelection[] {
  return [...listRole("feature", features), ...listRole("label", labels)];
}

function listRole(role: "feature" | "label", fields: Fields): readonly RoleSelection[] {
  const name = `${role}s`;
  if (fields === undefined) return [];
  if (!isList(fields)) return [{ role, where: name, selection: fields }];
  return fields.map((selection, index) => ({ role, where: `${name}[${index}]`, selection }));
}

function isList(fields: FieldSelection | readonly FieldSelection[]): fields is readonly FieldSelection[] {
  return Array.isArray(fields);
}

/** @throws StampedeError `job-file.invalid` for a setting that this format has no use for */
export function refuseSettings(
  { where, selection }: RoleSelection,
  format: string,
  names: readonly (keyof FieldSelection)[],
): void {
  const found = names.find((name) => selection[name] !== undefined);
  if (found === undefined) return;
  throw refusal(
    "job-file.invalid",
    `Expected no \`${found}\` in ${where} of a data set of format ${format}, which has no use for it.`,
  );
}

export function optionsOf({ shape, scale, standardize, oneHot, classes }: FieldSelection): FieldOptions {
  return {
    ...(shape === undefined ? {} : { shape }),
    ...(scale === undefined ? {} : { scale }),
    ...(standardize === undefined ? {} : { standardize }),
    ...(oneHot === undefined ? {} : { oneHot }),
    ...(classes === undefined ? {} : { classes }),
  };
}
