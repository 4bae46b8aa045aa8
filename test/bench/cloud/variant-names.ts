export const variantNames = ["deployed", "whole", "unlimited"] as const;
export type VariantName = (typeof variantNames)[number];
