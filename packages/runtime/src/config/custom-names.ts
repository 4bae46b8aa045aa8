/** How a definition names a function of the user's own. */
const customPrefix = "custom:";

export function customName(plain: string): string {
  return `${customPrefix}${plain}`;
}

export function isCustomName(name: string): boolean {
  return name.startsWith(customPrefix);
}

/** The function's own name, which people are shown. */
export function plainName(name: string): string {
  return isCustomName(name) ? name.slice(customPrefix.length) : name;
}
