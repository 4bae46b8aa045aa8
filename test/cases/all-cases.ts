import type { Case } from "./case.js";
import { activationCases } from "./families/activations.js";
import { attentionCases } from "./families/attention.js";
import { convolutionCases } from "./families/convolutions.js";
import { customCases } from "./families/custom.js";
import { dataCases } from "./families/data-forms.js";
import { embeddingCases } from "./families/embeddings.js";
import { gradientCases } from "./families/gradients.js";
import { graphCases } from "./families/graphs.js";
import { lossCases } from "./families/losses.js";
import { mergeCases } from "./families/merges.js";
import { metricCases } from "./families/metrics.js";
import { noiseCases } from "./families/noise.js";
import { normalisationCases } from "./families/normalisation.js";
import { optimizerCases } from "./families/optimizers.js";
import { penaltyCases } from "./families/penalties.js";
import { poolingCases } from "./families/pooling.js";
import { recurrentCases } from "./families/recurrent.js";
import { recurrentOptionCases } from "./families/recurrent-options.js";
import { shapeCases } from "./families/shapes.js";

/** Cases that take about the same time together; each group is one test file. */
export const groups = {
  training: [
    ...optimizerCases,
    ...lossCases,
    ...metricCases,
    ...penaltyCases,
    ...gradientCases,
    ...customCases,
    ...dataCases,
  ],
  layers: [
    ...activationCases,
    ...mergeCases,
    ...shapeCases,
    ...normalisationCases,
    ...noiseCases,
    ...embeddingCases,
    ...graphCases,
  ],
  pictures: [...convolutionCases, ...poolingCases],
  sequences: [...recurrentCases, ...recurrentOptionCases, ...attentionCases],
} as const satisfies Readonly<Record<string, readonly Case[]>>;

export const allCases: readonly Case[] = Object.values(groups).flat();
