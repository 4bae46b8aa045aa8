export const variantNames = ["deployed", "invoked", "finer", "unlimited"] as const;
export type VariantName = (typeof variantNames)[number];
